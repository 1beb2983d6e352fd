import { LEVEL, RESAMPLES } from "../accuracy/bootstrap.js";
import { pairedDifference } from "../accuracy/paired-difference.js";
import type { AccuracyFigures } from "../check.js";
import type { Scores } from "../compare-models.js";
import { type CheckDefinition, counted, type Finding, figure, skipped } from "./check-definition.js";

/** The pruned model's answers are not much less right than the original's. */
export const accuracy: CheckDefinition = {
  name: "accuracy",
  isAskedFor: ({ accuracy: asked }) => asked !== undefined,
  async run({ options, comparison }) {
    const compared = await comparison();
    const limit = options.maxAccuracyDrop;
    if (compared.status === "impossible") return skipped("the models could not be run: see the check outputs");
    if (compared.status === "incomparable") {
      const message = "the pruned model's outputs cannot be judged: see the check outputs";
      return { status: "failed", measured: null, limit: limit ?? null, message };
    }
    return judge(figuresOf(compared.scores!), limit, options.confident ?? false);
  },
};

function figuresOf({ name, original, pruned }: Scores): AccuracyFigures {
  const mean = (scores: readonly number[]): number => scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const { difference, interval } = pairedDifference(original, pruned);
  return {
    kind: "accuracy",
    metric: name,
    examples: original.length,
    original: mean(original),
    pruned: mean(pruned),
    drop: difference,
    ...changesBetween(original, pruned),
    interval,
    level: LEVEL,
    resamples: RESAMPLES,
  };
}

function changesBetween(original: readonly number[], pruned: readonly number[]) {
  const losses = original.map((score, example) => score - pruned[example]!);
  const largest = losses.reduce((most, loss) => Math.max(most, loss), 0);
  return {
    worse: losses.filter((loss) => loss > 0).length,
    better: losses.filter((loss) => loss < 0).length,
    ...(largest > 0 && { worstExample: losses.indexOf(largest) }),
  };
}

function judge(figures: AccuracyFigures, limit: number | undefined, confident: boolean): Finding {
  const measured = confident ? figures.interval.high : figures.drop;
  const message = describe(figures, confident);
  if (limit === undefined) {
    return { status: "skipped", measured, limit: null, figures, message: `${message}; no limit was given` };
  }
  return { status: measured <= limit ? "passed" : "failed", measured, limit, figures, message };
}

function describe(figures: AccuracyFigures, confident: boolean): string {
  const { metric, examples, original, pruned, drop, interval, level } = figures;
  const { worse, better, worstExample } = figures;
  const worst = worstExample === undefined ? "" : ` (most on ${worstExample})`;
  const judged = confident ? "; judged by the upper end" : "";
  return (
    `${metric} over ${counted(examples, "example")}: ${figure(original)} original, ${figure(pruned)} pruned, ` +
    `lower on ${worse}${worst} and higher on ${better}; drop ${figure(drop)}, ` +
    `${100 * level} % interval ${figure(interval.low)} to ${figure(interval.high)} (paired bootstrap)${judged}`
  );
}
