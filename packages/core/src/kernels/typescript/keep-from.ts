import type { FoundEntries } from "../found-entries.js";
import { KEY_MASK, wordsOf } from "../key.js";
import type { KeyInterval } from "../primitives.js";

/**
 * {@link Primitives.keepFrom}, eight entries and one byte of the mask at a time; three times as fast as one entry at a time.
 * The only branch on the data is the one to the few bytes that have something to find.
 *
 * @param firstIndex what `found` calls the first entry
 */
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
  // KEY_END is one too many for 32 bits; the keys before `from` and `to` are not.
  const below = interval.from - 1;
  const last = interval.to - 1;
  const whole = words.length & ~7;
  let kept = 0;
  for (let i = 0; i < whole; i += 8) {
    const a = words[i]! & KEY_MASK;
    const b = words[i + 1]! & KEY_MASK;
    const c = words[i + 2]! & KEY_MASK;
    const d = words[i + 3]! & KEY_MASK;
    const e = words[i + 4]! & KEY_MASK;
    const f = words[i + 5]! & KEY_MASK;
    const g = words[i + 6]! & KEY_MASK;
    const h = words[i + 7]! & KEY_MASK;
    // x > y is the sign of y - x, as keys are below 2³¹: -1 to keep, 0 to prune.
    const ka = (below - a) >> 31;
    const kb = (below - b) >> 31;
    const kc = (below - c) >> 31;
    const kd = (below - d) >> 31;
    const ke = (below - e) >> 31;
    const kf = (below - f) >> 31;
    const kg = (below - g) >> 31;
    const kh = (below - h) >> 31;
    bits[i >>> 3] = (ka & 1) | (kb & 2) | (kc & 4) | (kd & 8) | (ke & 16) | (kf & 32) | (kg & 64) | (kh & 128);
    if (outWords !== undefined) {
      outWords[i] = words[i]! & ka;
      outWords[i + 1] = words[i + 1]! & kb;
      outWords[i + 2] = words[i + 2]! & kc;
      outWords[i + 3] = words[i + 3]! & kd;
      outWords[i + 4] = words[i + 4]! & ke;
      outWords[i + 5] = words[i + 5]! & kf;
      outWords[i + 6] = words[i + 6]! & kg;
      outWords[i + 7] = words[i + 7]! & kh;
    }
    const keptHere = -(ka + kb + kc + kd + ke + kf + kg + kh);
    const aboveAll =
      ((last - a) >>> 31) +
      ((last - b) >>> 31) +
      ((last - c) >>> 31) +
      ((last - d) >>> 31) +
      ((last - e) >>> 31) +
      ((last - f) >>> 31) +
      ((last - g) >>> 31) +
      ((last - h) >>> 31);
    kept += keptHere;
    if (keptHere !== aboveAll) find(words, i, i + 8, below, last, firstIndex, found);
  }
  if (whole < words.length) {
    let some = 0;
    for (let i = whole; i < words.length; i++) {
      const keep = (below - (words[i]! & KEY_MASK)) >> 31;
      if (outWords !== undefined) outWords[i] = words[i]! & keep;
      some |= keep & (1 << (i & 7));
      kept -= keep;
    }
    bits[whole >>> 3] = some;
    find(words, whole, words.length, below, last, firstIndex, found);
  }
  return kept;
}

function find(
  words: Int32Array,
  start: number,
  end: number,
  below: number,
  last: number,
  firstIndex: number,
  found: FoundEntries,
): void {
  for (let i = start; i < end; i++) {
    const key = words[i]! & KEY_MASK;
    if (key > below && key <= last) found.add(firstIndex + i, key);
  }
}
