import type { Suite, Table } from "./suite.js";

/** One piece of work to be timed. */
export interface TimedCase {
  /** Slash name, below that of the suite. */
  readonly name: string;
  run(): void;
  /** The largest ratio to the baseline that is good enough, if one is asked for. */
  readonly limit?: number;
}

/** Cases that are timed side by side. */
export interface TimedSuite {
  readonly name: string;
  /** What the table calls one baseline: `copies`. */
  readonly unit: string;
  readonly note: string;
  /** An odd number, so that the median is a run that was. */
  readonly rounds: number;
  /** Builds the fixtures, which only a suite that runs should. The first case is the baseline; it always runs. */
  cases(): readonly TimedCase[];
}

/**
 * A suite that runs its cases in turn, round after round, and compares medians: whatever else the machine does at the time
 * it does to all of them. The first round warms up and is not counted.
 */
export function timedSuite(suite: TimedSuite): Suite {
  return {
    name: suite.name,
    async run(isChosen) {
      const cases = suite.cases().filter(({ name }, index) => index === 0 || isChosen(`${suite.name}/${name}`));
      const times = cases.map((): number[] => []);
      for (let round = 0; round <= suite.rounds; round++) {
        for (const [index, { run }] of cases.entries()) {
          const milliseconds = timed(run);
          if (round > 0) times[index]!.push(milliseconds);
        }
      }
      return tableOf(suite, cases, times.map(median));
    },
  };
}

function timed(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function tableOf(suite: TimedSuite, cases: readonly TimedCase[], medians: readonly number[]): Table {
  return {
    columns: ["case", "ms", suite.unit, "at most"],
    rows: cases.map(({ name, limit }, index) => [
      `${suite.name}/${name}`,
      medians[index]!.toFixed(1),
      (medians[index]! / medians[0]!).toFixed(2),
      limit?.toString() ?? "",
    ]),
    note: `${suite.note} Median of ${suite.rounds} interleaved rounds.`,
  };
}
