import { type Cut, exactCut } from "./cut.js";
import { KEY_END, KEY_MASK } from "./key.js";
import type { KeyInterval } from "./primitives.js";

/** Standard deviations of the sample's error on either side: wrong once in 2000 times, and then it costs time only. */
const DEVIATIONS = 3.5;

/** An interval of keys that very probably holds a cut, but not the keys at its ends that too many entries share. */
export interface Guess extends KeyInterval {
  /** The lowest and the highest key that the cut may have, by the sample. */
  readonly lowest: number;
  readonly highest: number;
}

/** How many entries to sample: at 16 M a 50 % cut is guessed to 2 % of the entries, at 600 M to 0.4 %. */
export function sampleSize(total: number): number {
  return Math.min(total, Math.max(2 ** 12, Math.min(2 ** 20, Math.floor(total / 512))));
}

/** The largest part of all entries that lies in the interval, twice over. */
export function guessedShare(size: number): number {
  return (2 * DEVIATIONS) / Math.sqrt(size);
}

/**
 * Guesses where the smallest `share` of the entries ends.
 *
 * @param sample words of entries
 * @param share in (0, 1]
 */
export function guessInterval(sample: Int32Array, share: number): Guess {
  const rank = share * sample.length;
  const margin = DEVIATIONS * Math.sqrt(rank * (1 - share)) + 2;
  const low = keyOfRank(sample, rank - margin);
  const high = keyOfRank(sample, rank + margin);
  return {
    from: low.population > margin ? low.to : low.from,
    to: high.population > margin ? high.from : high.to,
    lowest: low.from,
    highest: high.from,
  };
}

function keyOfRank(sample: Int32Array, rank: number): Cut {
  if (rank < 1) return { from: 0, to: 1, rank: 0, population: 0 };
  if (rank > sample.length) return { from: KEY_MASK, to: KEY_END, rank: 0, population: 0 };
  const whole = { from: 0, to: KEY_END, rank: Math.round(rank), population: sample.length };
  return exactCut(whole, 11, (visit) => visit(sample));
}
