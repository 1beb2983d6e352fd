import { type Runner, type Sample, spreadOf } from "@espalier/runtime";
import { bootstrapInterval, type Interval } from "./accuracy/bootstrap.js";
import type { Latency, Speedup } from "./verification.js";

/**
 * Times two models on one sample, which both have run before: `runs` runs each in turns, so that whatever else the
 * machine does meets both alike. The order within a turn alternates.
 *
 * @param runs at least 1
 */
export async function measureLatency(original: Runner, pruned: Runner, sample: Sample, runs: number): Promise<Latency> {
  const contestants = [original, pruned].map((runner) => ({ runner, times: [] as number[] }));
  for (let turn = 0; turn < runs; turn++) {
    for (const { runner, times } of turn % 2 === 0 ? contestants : contestants.toReversed()) {
      const start = performance.now();
      await runner.run(sample);
      times.push(performance.now() - start);
    }
  }
  const [before, after] = contestants.map(({ times }) => times);
  return { runs, original: spreadOf(before!), pruned: spreadOf(after!), speedup: speedupOf(before!, after!) };
}

/** Fewer turns than this say too little about how much times vary. */
export const LEAST_TURNS = 10;

/**
 * How much faster the second of two models is.
 *
 * @param before milliseconds of the original, one for each turn
 * @param after of the pruned model, in the same turns
 */
export function speedupOf(before: readonly number[], after: readonly number[]): Speedup {
  const ratio = spreadOf(before).median / spreadOf(after).median;
  const drawn = [before, after].map(() => new Float64Array(before.length));
  const interval = bootstrapInterval(before.length, (indices) => {
    for (let turn = 0; turn < indices.length; turn++) {
      drawn[0]![turn] = before[indices[turn]!]!;
      drawn[1]![turn] = after[indices[turn]!]!;
    }
    return middleOf(drawn[0]!.sort()) / middleOf(drawn[1]!.sort());
  });
  return { ratio, interval, verdict: verdictOf(interval, before.length) };
}

function verdictOf({ low, high }: Interval, turns: number): Speedup["verdict"] {
  if (turns < LEAST_TURNS) return "undecided";
  if (low > 1) return "faster";
  return high < 1 ? "slower" : "undecided";
}

function middleOf(sorted: ArrayLike<number>): number {
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
