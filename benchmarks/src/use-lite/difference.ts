/** A difference of two accuracies on the same texts, in points of 100. */
export interface Difference {
  readonly points: number;
  /** Of the paired difference: smaller than that of either accuracy, because the models mostly fail on the same texts. */
  readonly standardError: number;
}

/**
 * How much better the first is than the second: the mean over texts of (right − right), and its standard error
 * `sqrt(variance / n)`.
 *
 * @param a of each text, whether it was named right
 * @param b of the same texts
 */
export function difference(a: readonly boolean[], b: readonly boolean[]): Difference {
  const each = a.map((right, index) => Number(right) - Number(b[index]));
  const mean = each.reduce((sum, value) => sum + value, 0) / each.length;
  const variance = each.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (each.length - 1);
  return { points: 100 * mean, standardError: 100 * Math.sqrt(variance / each.length) };
}
