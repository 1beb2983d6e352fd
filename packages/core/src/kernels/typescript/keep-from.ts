import type { FoundEntries } from "../found-entries.js";
import { KEY_MASK, wordsOf } from "../key.js";
import type { KeyInterval } from "../primitives.js";

/** {@link Primitives.keepFrom}, without a branch on the data except for the few entries that are found. */
export function keepFrom(
  values: Float32Array,
  interval: KeyInterval,
  bits: Uint8Array,
  out: Float32Array | undefined,
  found: FoundEntries,
  firstIndex = 0,
): number {
  const words = wordsOf(values);
  const outWords = out && wordsOf(out);
  // As signed integers: KEY_END itself is one too many for 32 bits.
  const below = interval.from - 1;
  const last = interval.to - 1;
  let kept = 0;
  for (let index = 0; index < words.length; ) {
    const byte = index >>> 3;
    const end = Math.min(index + 8, words.length);
    let some = 0;
    for (; index < end; index++) {
      const word = words[index]!;
      const key = word & KEY_MASK;
      const keep = (below - key) >> 31;
      if (outWords !== undefined) outWords[index] = word & keep;
      some |= keep & (1 << (index & 7));
      kept -= keep;
      if (key > below && key <= last) found.add(firstIndex + index, key);
    }
    bits[byte] = some;
  }
  return kept;
}
