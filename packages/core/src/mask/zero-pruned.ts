import { CoreError } from "../errors.js";
import { applyMaskBits } from "../kernels/index.js";
import type { Mask } from "./mask.js";
import { requireLength } from "./require-length.js";

/**
 * Clears the elements that a mask prunes, in place: all their bytes become 0, which is +0 in every little-endian float
 * and 0 in every integer. Kept elements are not touched. The bytes may start at any address.
 *
 * @param bytes the tensor's elements in the order of the mask
 * @param elementSize bytes per element
 * @throws {CoreError} `shape-mismatch` when `bytes` is not `elementSize · mask.length` long
 */
export function zeroPruned(bytes: Uint8Array, elementSize: 1 | 2 | 4 | 8, mask: Mask): void {
  if (bytes.length % elementSize !== 0) {
    throw new CoreError("shape-mismatch", `${bytes.length} bytes are no whole number of ${elementSize}-byte elements`);
  }
  requireLength(mask, bytes.length / elementSize, "the tensor");
  const { buffer, byteOffset, length } = bytes;
  if (elementSize === 4 && byteOffset % 4 === 0) {
    const words = new Float32Array(buffer, byteOffset, length / 4);
    applyMaskBits(words, mask.bits, words); // moves bits and never computes with them, whatever the words mean
    return;
  }
  for (let position = 0; position < mask.bits.length; position++) {
    if (mask.bits[position] === 0xff) continue;
    for (let index = position * 8; index < Math.min(position * 8 + 8, mask.length); index++) {
      if (!mask.keeps(index)) bytes.fill(0, index * elementSize, (index + 1) * elementSize);
    }
  }
}
