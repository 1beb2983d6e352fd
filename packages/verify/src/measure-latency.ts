import type { Runner, Sample } from "@espalier/runtime";
import type { Latency, LatencySummary } from "./verification.js";

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
  return { runs, original: summarize(contestants[0]!.times), pruned: summarize(contestants[1]!.times) };
}

/** Median, fastest and slowest; the median of an even number is the mean of the middle two. */
export function summarize(times: readonly number[]): LatencySummary {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}
