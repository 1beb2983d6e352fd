/**
 * The key of a float32 is its bits without the sign, as an integer: keys order like magnitudes, and ±0 are one key.
 * All arithmetic on keys is exact in 32 bits, because a key lies in `[0, KEY_END)`.
 */
export const KEY_MASK = 0x7fffffff;

/** One more than the largest key. */
export const KEY_END = 0x80000000;

/** The bits of float32 values as signed integers, a view of the same memory. */
export function wordsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}
