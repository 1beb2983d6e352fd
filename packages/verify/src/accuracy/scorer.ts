import { VerifyError } from "../verify-error.js";
import type { AccuracyOptions, MetricAccuracy, Outputs } from "./accuracy-options.js";
import { tooFewLabels, tooManyLabels } from "./label-count.js";
import { labelScorer } from "./label-scorer.js";

/** Scores what models put out, sample by sample. */
export interface Scorer {
  /** What the scores are, for messages: `top-1 accuracy`. */
  readonly name: string;
  /**
   * The scores of the next sample's examples, for both models.
   *
   * @param sample index of the sample, from 0
   * @throws {VerifyError} `bad-labels`, `bad-metric`, `invalid-option`
   */
  score(original: Outputs, pruned: Outputs, sample: number): Promise<ScorePairs>;
  /**
   * Says that there are no more samples.
   *
   * @throws {VerifyError} `bad-labels` when there are labels left
   */
  finish(samples: number): void;
}

/** Scores of the same examples by both models, as many. */
interface ScorePairs {
  readonly original: readonly number[];
  readonly pruned: readonly number[];
}

/** The scorer that options ask for. */
export function scorerOf(accuracy: AccuracyOptions): Scorer {
  return "metric" in accuracy ? metricScorer(accuracy) : labelScorer(accuracy);
}

function metricScorer({ metric, labels }: MetricAccuracy): Scorer {
  // A default export without a name is called "default".
  const name = metric.name === "" || metric.name === "default" ? "metric" : metric.name;
  return {
    name,
    async score(original, pruned, sample) {
      if (labels !== undefined && sample >= labels.length) throw tooFewLabels(labels.length, sample);
      const label = labels?.[sample];
      const both = {
        original: await callMetric(name, () => metric(original, label, sample), "original", sample),
        pruned: await callMetric(name, () => metric(pruned, label, sample), "pruned model", sample),
      };
      if (both.original.length === both.pruned.length) return both;
      const counts = `${both.original.length} scores for the original and ${both.pruned.length} for the pruned model`;
      throw badMetric(`the metric ${name} gave ${counts} on sample ${sample}, expected as many`, sample);
    },
    finish(samples) {
      if (labels !== undefined && labels.length > samples) throw tooManyLabels(labels.length, samples, "sample");
    },
  };
}

async function callMetric(
  name: string,
  call: () => ReturnType<MetricAccuracy["metric"]>,
  side: string,
  sample: number,
): Promise<readonly number[]> {
  let scores: number | readonly number[];
  try {
    scores = await call();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw badMetric(`the metric ${name} failed on sample ${sample} of the ${side}: ${message}`, sample, error);
  }
  const list = typeof scores === "number" ? [scores] : Array.from(scores);
  const bad = list.findIndex((score) => !Number.isFinite(score));
  if (list.length > 0 && bad < 0) return list;
  const found = list.length === 0 ? "no score" : String(list[bad]);
  throw badMetric(
    `the metric ${name} gave ${found} on sample ${sample} of the ${side}, expected finite numbers`,
    sample,
  );
}

function badMetric(message: string, sample: number, cause?: unknown): VerifyError {
  return new VerifyError("bad-metric", message, { sample, cause });
}
