import type { MatrixProducts } from "../blas/matrix-products.js";
import { invertTriangle } from "./invert-triangle.js";
import { readBlock, subtractBlock, writeBlock } from "./matrix-block.js";

/** Blocks of this size stay in the first-level cache of loops; larger ones are split, and products do the work. */
const LEAF = 64;

/**
 * The upper triangular `U` with `A⁻¹ = Uᵀ U`, for a symmetric positive definite A: the upper Cholesky factor of the inverse,
 * in one pass and without the inverse.
 *
 * With J the matrix that reverses the order, `J A J = L Lᵀ` gives `A = M Mᵀ` with `M = J L J` upper triangular, and
 * `U = M⁻¹ = J L⁻¹ J`. Reversing both axes of a square row-major matrix reverses its array. L⁻¹ comes out of the recursion
 * `L₂₁ = A₂₁ L₁₁⁻ᵀ`, `A₂₂ − L₂₁ L₂₁ᵀ`, `(L⁻¹)₂₁ = −L₂₂⁻¹ L₂₁ L₁₁⁻¹`.
 *
 * @param matrix f64, row-major `[size, size]`; not changed
 * @returns f64, row-major `[size, size]`, zeros below the diagonal, diagonal above 0; undefined where the matrix is not
 *   positive definite to rounding
 */
export async function inverseFactor(
  matrix: Float64Array,
  size: number,
  products: MatrixProducts,
): Promise<Float64Array | undefined> {
  const reversed = matrix.toReversed();
  const diagonal = Float64Array.from({ length: size }, (_, i) => reversed[i * size + i]!);
  for (let row = 0; row < size; row++) reversed.fill(0, row * size + row + 1, (row + 1) * size);
  const inverted = await invertFrom(0, size, { matrix: reversed, stride: size, diagonal, products });
  return inverted ? reversed.reverse() : undefined;
}

interface Recursion {
  /** Lower triangle of what is left of the matrix; zeros above. */
  readonly matrix: Float64Array;
  readonly stride: number;
  readonly diagonal: Float64Array;
  readonly products: MatrixProducts;
}

/** Replaces the block of `size` rows from `at` on by the inverse of its Cholesky factor. */
async function invertFrom(at: number, size: number, recursion: Recursion): Promise<boolean> {
  const { matrix, stride, diagonal, products } = recursion;
  if (size <= LEAF) return invertTriangle(matrix, stride, at, size, diagonal);
  const n1 = LEAF * Math.ceil(size / (2 * LEAF));
  const n2 = size - n1;
  const block11 = { stride, row: at, column: at, rows: n1, columns: n1 };
  const block21 = { stride, row: at + n1, column: at, rows: n2, columns: n1 };
  const block22 = { stride, row: at + n1, column: at + n1, rows: n2, columns: n2 };
  if (!(await invertFrom(at, n1, recursion))) return false;
  const inverse11 = readBlock(matrix, block11);
  const factor21 = await products.multiply(readBlock(matrix, block21), inverse11, {
    m: n2,
    n: n1,
    k: n1,
    transB: true,
  });
  const update = await products.multiply(factor21, factor21, { m: n2, n: n2, k: n1, transB: true });
  clearAboveDiagonal(update, n2);
  subtractBlock(matrix, block22, update);
  if (!(await invertFrom(at + n1, n2, recursion))) return false;
  const left = await products.multiply(readBlock(matrix, block22), factor21, { m: n2, n: n1, k: n2 });
  const inverse21 = await products.multiply(left, inverse11, { m: n2, n: n1, k: n1 });
  writeBlock(
    matrix,
    block21,
    inverse21.map((value) => -value),
  );
  return true;
}

function clearAboveDiagonal(matrix: Float64Array, size: number): void {
  for (let row = 0; row < size; row++) matrix.fill(0, row * size + row + 1, (row + 1) * size);
}
