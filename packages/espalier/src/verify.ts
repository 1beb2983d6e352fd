import { prunableWeights } from "@espalier/onnx";
import { type Backend, openRunner } from "@espalier/runtime";
import {
  type Metric,
  type Verification,
  type VerifyOptions as VerifyPrunedOptions,
  verifyPruned,
} from "@espalier/verify";
import { EspalierError } from "./errors.js";
import { labelsIn } from "./labels-in.js";
import { openModel } from "./open-model.js";
import type { ProgressEvent } from "./progress.js";
import type { PruneOptions } from "./prune.js";
import { repeatPrune } from "./repeat-prune.js";
import type { SampleSource, Samples } from "./samples.js";
import { selectWeights, type WeightSelection } from "./select-weights.js";

/** The limits and measurements that `verifyPruned` of `@espalier/verify` offers. */
type Judgement = Pick<
  VerifyPrunedOptions,
  | "pattern"
  | "minSparsity"
  | "maxOutputError"
  | "maxAccuracyDrop"
  | "confident"
  | "certificate"
  | "maxBytes"
  | "minSpeedup"
  | "backend"
  | "maxBackendDifference"
  | "statistics"
  | "gzip"
  | "compressed"
  | "latencyRuns"
  | "loads"
>;

/**
 * Which two models to judge, by what limits, and on which samples. `include` and `exclude` choose the weights that must have
 * the pattern and the sparsity; without them it is those that were pruned.
 */
export interface VerifyOptions extends Judgement, WeightSelection {
  /** Path or bytes of the model before pruning. */
  readonly original: string | Uint8Array;
  /** Path or bytes of the model after it, from whatever pruner. */
  readonly pruned: string | Uint8Array;
  /** Feeds to run both models on. @default a few random ones, the same every time */
  readonly samples?: Samples | SampleSource;
  /**
   * The class of every sample, from 0; or the name of an array of them beside the model's inputs in the sample files. Accuracy is
   * measured then.
   * @default accuracy is not measured
   */
  readonly labels?: string | ArrayLike<number>;
  /** With labels: the output that holds the scores or the class. @default the model's only output */
  readonly scores?: string;
  /** With labels: how many of the best classes count as an answer. @default 1 */
  readonly top?: number;
  /** Scores what a model puts out for a sample, instead of counting right classes; gets its label. @default none */
  readonly metric?: Metric;
  /**
   * Repeats the whole prune by the model's record, with one worker and with several, and compares bytes; holds what a record does not
   * tell: the samples or statistics that pruning saw, the schedule's steps, thresholds. @default only masks are repeated
   */
  readonly repeat?: Partial<PruneOptions>;
  /** Called before every check. @default nothing */
  readonly onProgress?: (event: ProgressEvent) => void;
}

/**
 * Judges a pruned model against its original. A failed verification is a result, not an error.
 *
 * @throws {OnnxError} when one of the files is no usable ONNX model
 * @throws {VerifyError} on a limit that cannot be one, samples that hold nothing, or a backend that is missing; with the checks that
 *   were finished before
 * @throws {RunnerError} `bad-samples` when a sample file does not fit the model
 * @throws {EspalierError} `usage` when a glob matches no prunable weight; `input` when samples cannot be read
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { original, pruned, samples, include, exclude, labels, scores, top, metric, repeat, onProgress, ...judgement } =
    options;
  const before = openModel(original);
  const chosen = include || exclude ? selectWeights(prunableWeights(before), options) : undefined;
  const names = chosen && new Set(chosen.map(({ name }) => name));
  const feeds = samples && (await feedsOf(samples, original, [options.backend].flat()[0]));
  const accuracy = accuracyOf(options, feeds);
  const after = openModel(pruned);
  return verifyPruned({
    ...judgement,
    ...(repeat && { prune: repeatPrune(after, repeat) }),
    ...(accuracy && { accuracy }),
    original: before,
    pruned: after,
    originalSource: original,
    prunedSource: pruned,
    ...(names && { weights: (name: string) => names.has(name) }),
    ...(feeds && { samples: feeds }),
    ...(onProgress && {
      onProgress: ({ check, done, total }) => onProgress({ phase: "verify", done, total, item: check }),
    }),
  });
}

/** @throws {EspalierError} `usage` for options that need labels, or a name that the samples hold no labels by */
function accuracyOf({ labels: given, scores, top, metric }: VerifyOptions, feeds: Samples | undefined) {
  const labels = typeof given === "string" ? labelsIn(feeds, given) : given;
  if (metric) {
    if (scores !== undefined || top !== undefined)
      throw usage("a metric scores outputs itself: leave scores and top out");
    return { metric, ...(labels && { labels }) };
  }
  if (labels) return { labels, ...(scores !== undefined && { output: scores }), ...(top !== undefined && { top }) };
  if (scores !== undefined || top !== undefined) throw usage("scores and top say how labels are compared: give labels");
  return undefined;
}

function usage(message: string): EspalierError {
  return new EspalierError("usage", message);
}

async function feedsOf(
  samples: Samples | SampleSource,
  model: string | Uint8Array,
  backend: Backend | undefined,
): Promise<Samples> {
  if (!("open" in samples)) return samples;
  const runner = await openRunner(model, backend === undefined ? {} : { backend });
  try {
    return await samples.open(runner.inputs);
  } finally {
    await runner.close();
  }
}
