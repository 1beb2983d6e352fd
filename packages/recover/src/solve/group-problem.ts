import type { MatrixProducts } from "../blas/matrix-products.js";
import type { Moments } from "../moments.js";
import type { DampedFactor } from "./damped-factor.js";
import type { Quadratic } from "./quadratic.js";

/** One group of a weight, ready for choosing and solving. Matrices are f64, row-major `[outputs, features]`. */
export interface GroupProblem {
  readonly outputs: number;
  readonly features: number;
  /** Current weights. */
  readonly values: Float64Array;
  /** 1 where the current weight is zero. */
  readonly frozen: Uint8Array;
  /** Original weights. */
  readonly dense: Float64Array;
  /** Moments of all samples. */
  readonly all: Moments;
  /** Moments without the samples held back. */
  readonly fit: Moments;
  /** Moments of the samples held back. */
  readonly held?: Moments;
  /** The output error on all samples. */
  readonly quadratic: Quadratic;
  /**
   * Weights without zeros whose output comes closest to the target: the dense ones where both models see the same inputs,
   * otherwise the (damped) least-squares solution.
   */
  readonly best: Float64Array;
  /** How many inputs have a zero on the diagonal of the second moments. */
  readonly deadInputs: number;
}

/** {@link GroupProblem} with what choosing by cost needs. */
export interface FactoredGroup extends GroupProblem {
  readonly damped: DampedFactor;
  /** The best weights without any zeros under the same damping; the dense ones where both models see the same inputs. */
  readonly unpruned: Float64Array;
}

/** `R Uᵀ U`, with R `[rows, size]`: solves `W H = R` by the factor of the inverse. */
export async function solveWithFactor(
  factor: Float64Array,
  linear: Float64Array,
  size: number,
  products: MatrixProducts,
): Promise<Float64Array> {
  const shape = { m: linear.length / size, n: size, k: size };
  const half = await products.multiply(linear, factor, { ...shape, transB: true });
  return products.multiply(half, factor, shape);
}
