/** How the values of a weight were spread before pruning and after it. Zeros are counted apart: they would dwarf the rest. */
export interface WeightHistogram {
  /** The bins span `[−reach, reach]`, all equally wide; values beyond fall into the outermost. */
  readonly reach: number;
  /** Counts by bin of values that are not zero. */
  readonly before: Uint32Array;
  readonly after: Uint32Array;
}

/** Odd, so that small values of either sign share the bin in the middle. */
const BINS = 49;

/** Four standard deviations: of normally distributed weights one in 16,000 lies beyond. */
const DEVIATIONS = 4;

/**
 * Counts values by size, with a reach of four root mean squares of the values before; 1 where these are all zero or not all finite.
 * NaN is not counted.
 */
export function weightHistogram(before: ArrayLike<number>, after: ArrayLike<number>): WeightHistogram {
  const spread = DEVIATIONS * rootMeanSquare(before);
  const reach = spread > 0 && Number.isFinite(spread) ? spread : 1;
  return { reach, before: countsOf(before, reach), after: countsOf(after, reach) };
}

function rootMeanSquare(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]! * values[index]!;
  return Math.sqrt(sum / values.length);
}

function countsOf(values: ArrayLike<number>, reach: number): Uint32Array {
  const counts = new Uint32Array(BINS);
  const scale = BINS / (2 * reach);
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value === 0 || Number.isNaN(value)) continue;
    const bin = Math.floor((value + reach) * scale);
    counts[Math.max(0, Math.min(BINS - 1, bin))]!++;
  }
  return counts;
}
