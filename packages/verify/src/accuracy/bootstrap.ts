import { seededIndex } from "./seeded-index.js";

/** Where a figure would lie if other samples of the same kind had been drawn, in `level` of all cases. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How often samples are drawn anew: the ends of the interval then move by about a hundredth of its width between seeds. */
export const RESAMPLES = 10_000;

/** Share of resamples that the interval holds. */
export const LEVEL = 0.95;

/**
 * The bootstrap percentile interval of a statistic: it is computed on as many draws, with replacement, as there are
 * observations, 10,000 times over, and the interval holds the middle 95 % of the results. Always the same for the same
 * observations. An observation may be a pair of measurements on one sample: what the sample itself adds to both then cancels,
 * so that small differences show.
 *
 * @param count observations, at least 1
 * @param statistic of the observations with these indices, `count` of them
 * @see Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13
 */
export function bootstrapInterval(count: number, statistic: (indices: Uint32Array) => number): Interval {
  const draw = seededIndex(0);
  const indices = new Uint32Array(count);
  const results = new Float64Array(RESAMPLES);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    for (let index = 0; index < count; index++) indices[index] = draw(count);
    results[resample] = statistic(indices);
  }
  results.sort();
  const outside = Math.floor(((1 - LEVEL) / 2) * RESAMPLES);
  return { low: results[outside]!, high: results[RESAMPLES - 1 - outside]! };
}
