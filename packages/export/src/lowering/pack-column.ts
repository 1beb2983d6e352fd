import type { BlockColumn } from "./block-layout.js";
import type { WeightValues } from "./weight-values.js";

/**
 * The entries that a block-column keeps, as the dense matrix `[kept inputs, out channels]` a product multiplies with.
 * Inputs past the weight's end, which the last unit may reach over, are zeros.
 *
 * @param unit in-features of a unit
 * @returns row-major `[kept.length · unit, column.width]`
 */
export function packColumn(weight: WeightValues, column: BlockColumn, unit: number): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(column.kept.length * unit * column.width);
  packInto(packed, weight, column, { unit, rowLength: column.width });
  return packed;
}

/** {@link packColumn} into an array whose rows may be longer. */
export function packInto(
  target: Float32Array,
  { values, offsets: { outOffsets, featureOffsets } }: WeightValues,
  { first, width, kept }: BlockColumn,
  { unit, rowLength }: { readonly unit: number; readonly rowLength: number },
): void {
  const outs = outOffsets.subarray(first, first + width);
  let row = 0;
  for (const index of kept) {
    for (const at of featureOffsets.subarray(index * unit, (index + 1) * unit)) {
      const start = row++ * rowLength;
      for (let out = 0; out < width; out++) target[start + out] = values[at + outs[out]!]!;
    }
    // Rows past the end of the weight stay zero.
    row = Math.ceil(row / unit) * unit;
  }
}
