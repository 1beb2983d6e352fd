import type { Mask } from "./mask.js";

const ONES_IN_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

/** Number of entries that stay. */
export function nnz(mask: Mask): number {
  let count = 0;
  for (const byte of mask.bits) count += ONES_IN_BYTE[byte]!;
  return count;
}

/** Fraction of entries that go, in [0, 1]: `(length − nnz) / length`; 0 for an empty mask. */
export function sparsity(mask: Mask): number {
  return mask.length === 0 ? 0 : (mask.length - nnz(mask)) / mask.length;
}
