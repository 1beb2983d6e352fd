import { KEY_MASK } from "./key.js";
import type { KeyInterval } from "./primitives.js";

/**
 * Where the pruned entries of a comparison group end: at the `rank`-th smallest of the `population` keys in the interval.
 * Narrowed to one key, `rank` of the entries with that key are pruned, and every entry with a smaller key.
 */
export interface Cut extends KeyInterval {
  readonly rank: number;
  readonly population: number;
}

/** Calls `visit` with the words of every array of a comparison group, one after the other. */
export type ForEachArray = (visit: (words: Int32Array) => void) => void;

/**
 * The same cut in one bin of `2^shift` keys of its interval: one pass over the entries.
 *
 * Counts are float64: a model has more than 2³² entries sooner than one array has.
 */
function narrowCut(cut: Cut, shift: number, forEachArray: ForEachArray): Cut {
  const counts = new Float64Array(((cut.to - cut.from - 1) >>> shift) + 1);
  forEachArray((words) => countKeys(words, cut.from, shift, counts));
  let rank = cut.rank;
  let bin = 0;
  while (rank > counts[bin]!) rank -= counts[bin++]!;
  const from = cut.from + bin * 2 ** shift;
  return { from, to: Math.min(from + 2 ** shift, cut.to), rank, population: counts[bin]! };
}

/**
 * Narrows a cut down to one key.
 *
 * @param digit bits settled in one pass; more make fewer passes but larger tables (2^digit counts)
 */
export function exactCut(cut: Cut, digit: number, forEachArray: ForEachArray): Cut {
  let narrowed = cut;
  while (narrowed.to - narrowed.from > 1) {
    const width = 32 - Math.clz32(narrowed.to - narrowed.from - 1);
    narrowed = narrowCut(narrowed, Math.max(0, width - digit), forEachArray);
  }
  return narrowed;
}

function countKeys(words: Int32Array, from: number, shift: number, counts: Float64Array): void {
  const bins = counts.length;
  for (let index = 0; index < words.length; index++) {
    const bin = ((words[index]! & KEY_MASK) - from) >>> shift;
    if (bin < bins) counts[bin]!++;
  }
}
