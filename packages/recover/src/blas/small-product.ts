import type { ProductShape } from "./matrix-products.js";

/** `A · B` in plain loops that run along the rows of B and of the result. */
export function smallProduct<Values extends Float32Array | Float64Array>(
  a: Values,
  b: Values,
  { m, n, k, transA = false, transB = false }: ProductShape,
): Values {
  // Sums are taken in float64 and rounded once where the result is float32.
  const sums = new Float64Array(m * n);
  for (let row = 0; row < m; row++) {
    for (let inner = 0; inner < k; inner++) {
      const factor = a[transA ? inner * m + row : row * k + inner]!;
      if (factor === 0) continue;
      for (let column = 0; column < n; column++) {
        sums[row * n + column]! += factor * b[transB ? column * k + inner : inner * n + column]!;
      }
    }
  }
  return (a instanceof Float64Array ? sums : Float32Array.from(sums)) as Values;
}
