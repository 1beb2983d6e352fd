import { wordsOf } from "./key.js";

/**
 * {@link Kernels.applyMaskBits}, one byte of the mask at a time. All implementations use it: it waits for memory, and a copy
 * into the memory of a SIMD module would cost more than SIMD gains (3.1 copies against 2.6).
 */
export function applyMaskBits(values: Float32Array, bits: Uint8Array, out: Float32Array): void {
  const words = wordsOf(values);
  const outWords = wordsOf(out);
  const whole = words.length & ~7;
  for (let i = 0; i < whole; i += 8) {
    const byte = bits[i >>> 3]!;
    // A bit moved to the top and spread over the word: -1 to keep, 0 to prune.
    outWords[i] = words[i]! & ((byte << 31) >> 31);
    outWords[i + 1] = words[i + 1]! & ((byte << 30) >> 31);
    outWords[i + 2] = words[i + 2]! & ((byte << 29) >> 31);
    outWords[i + 3] = words[i + 3]! & ((byte << 28) >> 31);
    outWords[i + 4] = words[i + 4]! & ((byte << 27) >> 31);
    outWords[i + 5] = words[i + 5]! & ((byte << 26) >> 31);
    outWords[i + 6] = words[i + 6]! & ((byte << 25) >> 31);
    outWords[i + 7] = words[i + 7]! & ((byte << 24) >> 31);
  }
  for (let i = whole; i < words.length; i++) {
    outWords[i] = words[i]! & ((bits[i >>> 3]! << (31 - (i & 7))) >> 31);
  }
}
