/** A pivot below this fraction of its diagonal entry is rounding error: 450 times the spacing of doubles at 1. */
const SMALLEST_PIVOT = 1e-13;

/**
 * Replaces a symmetric positive definite block on the diagonal by `L⁻¹`, where `L Lᵀ` is its Cholesky factorization: first
 * row by row with dot products of rows, then inverted in place.
 *
 * @param matrix row-major with `stride` columns; of the block only the lower triangle is read and written
 * @param at first row and column of the block
 * @param size rows of the block
 * @param diagonal of the whole matrix as it was before anything was subtracted from it: what pivots are compared with
 * @returns whether the block is positive definite to rounding
 */
export function invertTriangle(
  matrix: Float64Array,
  stride: number,
  at: number,
  size: number,
  diagonal: Float64Array,
): boolean {
  if (!factor(matrix, stride, at, size, diagonal)) return false;
  invert(matrix, stride, at, size);
  return true;
}

function factor(m: Float64Array, stride: number, at: number, size: number, diagonal: Float64Array): boolean {
  for (let i = 0; i < size; i++) {
    const rowI = (at + i) * stride + at;
    for (let j = 0; j < i; j++) {
      const rowJ = (at + j) * stride + at;
      let sum = m[rowI + j]!;
      for (let k = 0; k < j; k++) sum -= m[rowI + k]! * m[rowJ + k]!;
      m[rowI + j] = sum / m[rowJ + j]!;
    }
    let pivot = m[rowI + i]!;
    for (let k = 0; k < i; k++) pivot -= m[rowI + k]! ** 2;
    // Written so that NaN fails too.
    if (!(pivot > SMALLEST_PIVOT * diagonal[at + i]!)) return false;
    m[rowI + i] = Math.sqrt(pivot);
  }
  return true;
}

/** Row i of the inverse is `(eᵢ − Σ L[i, k] · row k of the inverse) / L[i, i]`, k < i. */
function invert(m: Float64Array, stride: number, at: number, size: number): void {
  const row = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const rowI = (at + i) * stride + at;
    row.fill(0, 0, i);
    for (let k = 0; k < i; k++) {
      const factor = m[rowI + k]!;
      const rowK = (at + k) * stride + at;
      for (let j = 0; j <= k; j++) row[j]! -= factor * m[rowK + j]!;
    }
    const scale = 1 / m[rowI + i]!;
    for (let j = 0; j < i; j++) m[rowI + j] = row[j]! * scale;
    m[rowI + i] = scale;
  }
}
