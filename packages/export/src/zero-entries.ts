import { type Mask, zeroPruned } from "@espalier/core";
import { elementSize, type PrunableWeight } from "@espalier/onnx";

/** A weight as far as its zeros are concerned. */
export type ZeroableWeight = Pick<PrunableWeight, "tensor" | "zeroAt">;

/**
 * Sets the entries that a mask prunes to zero, in place: +0, or for quantised weights the stored integer that means zero.
 * Kept entries are not touched.
 *
 * @param bytes little-endian elements in the order of the mask
 */
export function zeroEntries(bytes: Uint8Array, weight: ZeroableWeight, mask: Mask): void {
  const { zeroAt } = weight;
  if (zeroAt === undefined) zeroPruned(bytes, byteSize(weight), mask);
  // Weights with zero points are int8 or uint8: one byte an entry, and the byte of −3 is 253.
  else for (const index of prunedIndices(mask)) bytes[index] = zeroAt(index);
}

/**
 * Whether {@link zeroEntries} would change a bit. Without a copy: a second one of a large tensor is what memory has no
 * room for.
 *
 * @param bytes little-endian elements in the order of the mask
 */
export function wouldChange(bytes: Uint8Array, weight: ZeroableWeight, mask: Mask): boolean {
  const { zeroAt } = weight;
  const size = byteSize(weight);
  for (const index of prunedIndices(mask)) {
    if (zeroAt !== undefined) {
      if (bytes[index] !== (zeroAt(index) & 0xff)) return true;
      continue;
    }
    for (let at = index * size; at < (index + 1) * size; at++) if (bytes[at] !== 0) return true;
  }
  return false;
}

/** Bytes of one element; a prunable weight is float or 8-bit integer. */
function byteSize({ tensor }: ZeroableWeight): 1 | 2 | 4 | 8 {
  return elementSize(tensor.dataType) as 1 | 2 | 4 | 8;
}

function* prunedIndices(mask: Mask): Generator<number, void, undefined> {
  for (let position = 0; position < mask.bits.length; position++) {
    if (mask.bits[position] === 0xff) continue;
    const end = Math.min(position * 8 + 8, mask.length);
    for (let index = position * 8; index < end; index++) if (!mask.keeps(index)) yield index;
  }
}
