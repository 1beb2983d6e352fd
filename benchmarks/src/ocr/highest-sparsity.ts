import type { Proportion } from "@espalier/testkit";

/** A sparsity that was tried, and what the model could do then. */
export interface Trial {
  readonly sparsity: number;
  readonly accuracy: Proportion;
}

/** {@link highestSparsity}'s answer. */
export interface Highest {
  /** The highest sparsity that passed; undefined when even the lowest did not. */
  readonly passed?: Trial;
  /** The lowest that failed above it; undefined when even the highest passed. */
  readonly failed?: Trial;
}

/**
 * The highest sparsity of a grid whose accuracy is at least `floor`, by bisection: what is below one that passed counts as
 * passing, what is above one that failed as failing.
 *
 * @param grid ascending
 */
export async function highestSparsity(
  grid: readonly number[],
  floor: number,
  accuracyAt: (sparsity: number) => Promise<Proportion>,
): Promise<Highest> {
  let passed: Trial | undefined;
  let failed: Trial | undefined;
  // All before `low` pass, all from `high` on fail.
  let [low, high] = [0, grid.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const trial = { sparsity: grid[middle]!, accuracy: await accuracyAt(grid[middle]!) };
    if (trial.accuracy.value >= floor) {
      passed = trial;
      low = middle + 1;
    } else {
      failed = trial;
      high = middle;
    }
  }
  return { ...(passed && { passed }), ...(failed && { failed }) };
}
