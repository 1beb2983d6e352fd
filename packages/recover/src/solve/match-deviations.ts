import type { MatrixProducts } from "../blas/matrix-products.js";
import type { GroupProblem } from "./group-problem.js";
import { quadraticOf, quadraticValues } from "./quadratic.js";

/**
 * Masked weights with every output scaled so that its variance is what the dense weights give on the same inputs:
 * `sqrt(w_d C w_dᵀ / w C wᵀ)`, C the inputs' covariance. Outputs without variance stay as they are.
 */
export async function matchDeviations(
  { all, dense, features }: GroupProblem,
  values: Float64Array,
  products: MatrixProducts,
): Promise<Float64Array> {
  const { gram, outputs } = await quadraticOf(all, dense, { intercept: true, symmetric: true }, products);
  const variances = (weights: Float64Array) => {
    const linear = new Float64Array(weights.length);
    return quadraticValues({ outputs, features, gram, linear }, weights, products);
  };
  const wanted = await variances(dense);
  const found = await variances(values);
  const scale = wanted.map((variance, output) =>
    variance > 0 && found[output]! > 0 ? Math.sqrt(variance / found[output]!) : 1,
  );
  return values.map((value, at) => value * scale[Math.floor(at / features)]!);
}
