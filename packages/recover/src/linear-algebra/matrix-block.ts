/** A rectangle inside a row-major matrix. */
export interface MatrixBlock {
  /** Columns of the whole matrix. */
  readonly stride: number;
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

/** A copy of a block, row-major `[rows, columns]`. */
export function readBlock(matrix: Float64Array, { stride, row, column, rows, columns }: MatrixBlock): Float64Array {
  const block = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const start = (row + r) * stride + column;
    block.set(matrix.subarray(start, start + columns), r * columns);
  }
  return block;
}

/** Writes a block, row-major `[rows, columns]`, into its place. */
export function writeBlock(matrix: Float64Array, place: MatrixBlock, block: Float64Array): void {
  const { stride, row, column, rows, columns } = place;
  for (let r = 0; r < rows; r++) {
    matrix.set(block.subarray(r * columns, (r + 1) * columns), (row + r) * stride + column);
  }
}

/** Subtracts a block from its place. */
export function subtractBlock(matrix: Float64Array, place: MatrixBlock, block: Float64Array): void {
  const { stride, row, column, rows, columns } = place;
  for (let r = 0; r < rows; r++) {
    const start = (row + r) * stride + column;
    for (let c = 0; c < columns; c++) matrix[start + c]! -= block[r * columns + c]!;
  }
}
