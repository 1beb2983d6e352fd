/** The middle of some measurements and how far they lie apart, in their unit. */
export interface Spread {
  /** Of an even number the mean of the middle two. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Median, smallest and largest of some measurements.
 *
 * @param values finite, in any order, at least one
 */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}
