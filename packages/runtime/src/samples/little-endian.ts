import { ARRAY_CLASSES } from "../dtype-arrays.js";
import type { Dtype, TensorData } from "../tensor.js";

/** A dtype whose elements all have the same number of bytes. */
export type FixedSizeDtype = Exclude<Dtype, "string">;

/** Bytes of one element. */
export function dtypeSize(dtype: FixedSizeDtype): number {
  return ARRAY_CLASSES[dtype].BYTES_PER_ELEMENT;
}

/**
 * Elements stored back to back, as an array. Typed arrays are little-endian on every machine that runs these runtimes.
 *
 * @param bytes whole elements, at any alignment; copied, so that the file's buffer is not kept alive or shared
 * @param bigEndian whether the most significant byte comes first @default false
 */
export function decodeElements(
  dtype: FixedSizeDtype,
  bytes: Uint8Array,
  bigEndian = false,
): TensorData[FixedSizeDtype] {
  const copy = new Uint8Array(bytes);
  const size = dtypeSize(dtype);
  if (bigEndian && size > 1) {
    for (let at = 0; at < copy.length; at += size) copy.subarray(at, at + size).reverse();
  }
  return new ARRAY_CLASSES[dtype](copy.buffer);
}

/** Index of the first byte of a `bool` array that is neither 0 nor 1, or -1. */
export function firstBadBool(bytes: Uint8Array): number {
  return bytes.findIndex((byte) => byte > 1);
}
