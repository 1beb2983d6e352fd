import { bootstrapInterval, type Interval } from "./bootstrap.js";

/** How much smaller one of two paired figures is, on average. */
export interface PairedDifference {
  /** Mean of `before − after`. */
  readonly difference: number;
  /** Of that mean. */
  readonly interval: Interval;
}

/**
 * The mean difference between scores of the same examples, with its paired bootstrap interval. Time is 10,000 draws for each
 * example: some 0.3 s for 3000.
 *
 * @param before at least one
 * @param after as many, of the same examples
 */
export function pairedDifference(before: readonly number[], after: readonly number[]): PairedDifference {
  const differences = Float64Array.from(before, (score, index) => score - after[index]!);
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
  const interval = bootstrapInterval(differences.length, (indices) => {
    let sum = 0;
    for (let draw = 0; draw < indices.length; draw++) sum += differences[indices[draw]!]!;
    return sum / indices.length;
  });
  return { difference: mean, interval };
}
