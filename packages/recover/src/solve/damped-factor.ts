import type { MatrixProducts } from "../blas/matrix-products.js";
import { inverseFactor } from "../linear-algebra/inverse-factor.js";
import { RecoverError } from "../recover-error.js";
import { dampedGram, meanDiagonal, type Quadratic } from "./quadratic.js";

/** Damping of ten times the mean diagonal leaves hardly anything of the data. */
const LARGEST_DAMPING = 10;

/**
 * What is left of inputs that hardly vary may be rounding and no sum of squares at all, beyond any part of its own diagonal: then a
 * part of what was rounded, the second moments before their mean was taken off. Float32 sums of many rows are off by up to 10⁻³.
 */
const PARTS_OF_SCALE = [1e-5, 1e-4, 1e-3, 1e-2] as const;

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
 * Factors `G + damping · mean diagonal · I`, with ten times the damping where that has no inverse, again and again; then with parts of
 * what G was rounded from.
 *
 * @throws {RecoverError} `singular` when it has none with the largest of them either
 */
export async function dampedFactor(
  quadratic: Quadratic,
  damping: number,
  weight: string,
  products: MatrixProducts,
): Promise<DampedFactor> {
  const mean = meanDiagonal(quadratic);
  for (const fraction of fractions(damping, quadratic.scale / mean)) {
    const ridge = fraction * mean;
    const factor = await inverseFactor(dampedGram(quadratic, ridge), quadratic.features, products);
    if (factor !== undefined) return { factor, ridge, damping: fraction };
  }
  const message = `weight "${weight}": the second moments of its inputs cannot be factored, whatever is added to their diagonal; they are no sums of squares`;
  throw new RecoverError("singular", message, { weight });
}

/** Fractions of the mean diagonal, ascending. @param scale what G was rounded from, as a multiple of the mean diagonal */
function* fractions(damping: number, scale: number): Generator<number> {
  let largest = 0;
  for (let fraction = damping; fraction <= Math.max(damping, LARGEST_DAMPING); fraction *= 10) {
    largest = fraction;
    yield fraction;
  }
  for (const part of PARTS_OF_SCALE) if (part * scale > largest) yield part * scale;
}
