import { CoreError } from "../errors.js";
import { applyMaskBits } from "../kernels/index.js";
import type { Mask } from "./mask.js";
import { requireLength } from "./require-length.js";

/**
 * Clears the elements that a mask prunes, in place: all their bytes become 0, which is +0 in every little-endian float
 * and 0 in every integer. Kept elements are not touched. The bytes may start at any address.
 *
 * @param bytes elements in the order of the mask: those of the whole tensor, or from `firstElement` on
 * @param elementSize bytes per element
 * @param firstElement where a part of a tensor starts in the mask, a multiple of 8
 * @throws {CoreError} `shape-mismatch` when `bytes` is not `elementSize · mask.length` long, or a part not inside the mask;
 *   `invalid-argument` when `firstElement` is no multiple of 8
 */
export function zeroPruned(bytes: Uint8Array, elementSize: 1 | 2 | 4 | 8, mask: Mask, firstElement?: number): void {
  if (bytes.length % elementSize !== 0) {
    throw new CoreError("shape-mismatch", `${bytes.length} bytes are no whole number of ${elementSize}-byte elements`);
  }
  const count = bytes.length / elementSize;
  if (firstElement === undefined) requireLength(mask, count, "the tensor");
  else requirePart(mask, firstElement, count);
  const bits = mask.bits.subarray((firstElement ?? 0) / 8);
  const { buffer, byteOffset } = bytes;
  if (elementSize === 4 && byteOffset % 4 === 0) {
    const words = new Float32Array(buffer, byteOffset, count);
    applyMaskBits(words, bits, words); // moves bits and never computes with them, whatever the words mean
    return;
  }
  for (let position = 0; position * 8 < count; position++) {
    const byte = bits[position]!;
    if (byte === 0xff) continue;
    for (let index = position * 8; index < Math.min(position * 8 + 8, count); index++) {
      if (((byte >> (index & 7)) & 1) === 0) bytes.fill(0, index * elementSize, (index + 1) * elementSize);
    }
  }
}

function requirePart(mask: Mask, first: number, count: number): void {
  if (!Number.isInteger(first) || first < 0 || first % 8 !== 0) {
    throw new CoreError("invalid-argument", `the part starts at element ${first}, expected a multiple of 8`);
  }
  if (first + count <= mask.length) return;
  const message = `the mask has ${mask.length} entries, the part ends at ${first + count}: expected no more`;
  throw new CoreError("shape-mismatch", message);
}
