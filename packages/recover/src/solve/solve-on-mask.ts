import type { MatrixProducts } from "../blas/matrix-products.js";
import { conjugateGradients, type StopRule } from "./conjugate-gradients.js";
import type { Quadratic } from "./quadratic.js";
import { distinctSupports, exactFlops, solveExactly } from "./solve-exactly.js";

/** The best weights on a mask. */
export interface MaskedSolution {
  /** f64, row-major `[outputs, features]`; 0 outside of the mask. */
  readonly values: Float64Array;
  readonly solver: "cholesky" | "cg";
  /** Iterations of conjugate gradients. */
  readonly iterations: number;
}

/** More takes longer than conjugate gradients do. */
const EXACT_FLOPS = 2e8;

/**
 * After the elimination of columns the error is 1.7 to 1.9 times what the mask allows. Of that excess, this leaves less than
 * 0.1 % for inputs whose variances fall off like 1/i (20 iterations), 1 % where they fall off like 1/i².
 */
const STOP: StopRule = { progress: 1e-4, maxIterations: 40 };

/**
 * The weights that minimise `W (G + ridge) Wᵀ − 2 W·(R + ridge W_d)` with zeros outside of a mask: exactly, in float64, where
 * rows share their inputs or are short; otherwise by conjugate gradients in float32, from `start`. Deterministic.
 *
 * @param keep 1 where an entry may be other than zero, row-major `[outputs, features]`
 * @param start f64 of the same shape; only read where the mask keeps
 */
export async function solveOnMask(
  quadratic: Quadratic,
  ridge: number,
  keep: Uint8Array,
  start: Float64Array,
  products: MatrixProducts,
  stop: StopRule = STOP,
): Promise<MaskedSolution> {
  const supports = distinctSupports(keep, quadratic.features);
  if (exactFlops(supports) <= EXACT_FLOPS) {
    const values = await solveExactly(quadratic, ridge, supports, products);
    if (values !== undefined) return { values, solver: "cholesky", iterations: 0 };
  }
  const { values, iterations } = await conjugateGradients(quadratic, ridge, keep, start, stop, products);
  return { values, solver: "cg", iterations };
}
