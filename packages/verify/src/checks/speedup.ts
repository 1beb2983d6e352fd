import { type CheckDefinition, figure, skipped } from "./check-definition.js";

/** The pruned model is at least so much faster, also where chance was on its side: by the lower end of the interval. */
export const speedup: CheckDefinition = {
  name: "speedup",
  isAskedFor: ({ minSpeedup }) => minSpeedup !== undefined,
  async run({ options, execution, latency }) {
    const limit = options.minSpeedup!;
    const times = await latency();
    if (times === undefined) {
      const original = await execution.open("original");
      if (!original.ok) return skipped("the original does not run here: there is nothing to be faster than");
      return { status: "failed", measured: null, limit, message: "the models could not be timed: see the check loads" };
    }
    const { ratio, interval, verdict } = times.speedup;
    const claim = verdict === "undecided" ? "no difference shown" : verdict;
    const message =
      `${figure(ratio)} times as fast as the original, 95 % interval ${figure(interval.low)} to ${figure(interval.high)} ` +
      `over ${times.runs} turns: ${claim}; judged by the lower end`;
    return { status: interval.low >= limit ? "passed" : "failed", measured: interval.low, limit, message };
  },
};
