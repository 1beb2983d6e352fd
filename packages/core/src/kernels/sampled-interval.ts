import { KEY_END, KEY_MASK } from "./key.js";
import type { KeyInterval } from "./primitives.js";

/** Keys that share a bin: sign and exponent and 8 bits of the fraction are kept, a bin spans 0.4 % of a magnitude. */
const BIN_SHIFT = 15;
const BINS = KEY_END / 2 ** BIN_SHIFT;

/** Standard deviations of the sample's error on either side: missed once in 10⁴ times, which then costs time only. */
const DEVIATIONS = 4;

/**
 * An interval of keys that very probably holds the `count`-th smallest, judged by a sample of `size` entries.
 *
 * The sample is stratified: one entry of every run of `length / size`, at a pseudo-random place in it, so that no period of the
 * data (the rows of a matrix) can fall in step with it. The same array gives the same interval.
 */
export function sampledInterval(words: Int32Array, count: number, size: number): KeyInterval {
  const counts = sampleBins(words, size);
  const share = count / words.length;
  const rank = share * size;
  const margin = DEVIATIONS * Math.sqrt(size * share * (1 - share)) + 2;
  const first = binOfRank(counts, rank - margin);
  const last = binOfRank(counts, rank + margin);
  // Bin 0 is zero and subnormals. Weights that were pruned before have so many zeros that they are never worth collecting;
  // where the zeros are all to go, as when pruning again, the interval without them holds the cut.
  return { from: first === 0 ? 1 : first * 2 ** BIN_SHIFT, to: (last + 1) * 2 ** BIN_SHIFT };
}

function sampleBins(words: Int32Array, size: number): Uint32Array {
  const counts = new Uint32Array(BINS);
  const run = Math.floor(words.length / size);
  let state = 1;
  for (let start = 0, left = size; left > 0; left--, start += run) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    counts[(words[start + ((state >>> 8) % run)]! & KEY_MASK) >>> BIN_SHIFT]!++;
  }
  return counts;
}

/** The bin of the sample's entry of that rank, the first or last bin for a rank outside of the sample. */
function binOfRank(counts: Uint32Array, rank: number): number {
  let bin = 0;
  for (let below = counts[0]!; below < rank && bin < BINS - 1; below += counts[bin]!) bin++;
  return bin;
}
