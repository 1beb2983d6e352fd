import { wordsOf } from "../key.js";

/** {@link Primitives.applyBits}. */
export function applyBits(values: Float32Array, bits: Uint8Array, out: Float32Array): void {
  const words = wordsOf(values);
  const outWords = wordsOf(out);
  for (let index = 0; index < words.length; index++) {
    const keep = (bits[index >>> 3]! << (31 - (index & 7))) >> 31;
    outWords[index] = words[index]! & keep;
  }
}
