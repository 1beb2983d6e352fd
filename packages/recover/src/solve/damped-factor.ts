import type { MatrixProducts } from "../blas/matrix-products.js";
import { inverseFactor } from "../linear-algebra/inverse-factor.js";
import { RecoverError } from "../recover-error.js";
import { dampedGram, meanDiagonal, type Quadratic } from "./quadratic.js";

/** Damping of ten times the mean diagonal leaves hardly anything of the data: whatever fails there is no matter of damping. */
const LARGEST_DAMPING = 10;

/** A factorization of the damped second moments. */
export interface DampedFactor {
  /** Upper triangular U with `(G + ridge · I)⁻¹ = Uᵀ U`, f64, row-major `[features, features]`. */
  readonly factor: Float64Array;
  /** What was added to the diagonal. */
  readonly ridge: number;
  /** The same as a fraction of the mean diagonal. */
  readonly damping: number;
}

/**
 * Factors `G + damping · mean diagonal · I`, with ten times the damping where that has no inverse, again and again.
 *
 * @throws {RecoverError} `singular` when it has none at the largest damping either
 */
export async function dampedFactor(
  quadratic: Quadratic,
  damping: number,
  weight: string,
  products: MatrixProducts,
): Promise<DampedFactor> {
  const mean = meanDiagonal(quadratic);
  for (let fraction = damping; fraction <= Math.max(damping, LARGEST_DAMPING); fraction *= 10) {
    const ridge = fraction * mean;
    const factor = await inverseFactor(dampedGram(quadratic, ridge), quadratic.features, products);
    if (factor !== undefined) return { factor, ridge, damping: fraction };
  }
  const message = `weight "${weight}": the second moments of its inputs cannot be factored, even with ${LARGEST_DAMPING} times their mean diagonal added; they are no sums of squares`;
  throw new RecoverError("singular", message, { weight });
}
