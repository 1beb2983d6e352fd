import { prunableWeights } from "@espalier/onnx";
import { type Backend, openRunner } from "@espalier/runtime";
import { type Verification, type VerifyOptions as VerifyPrunedOptions, verifyPruned } from "@espalier/verify";
import { openModel } from "./open-model.js";
import type { ProgressEvent } from "./progress.js";
import type { SampleSource, Samples } from "./samples.js";
import { selectWeights, type WeightSelection } from "./select-weights.js";

/** The limits and measurements that `verifyPruned` of `@espalier/verify` offers. */
type Judgement = Pick<
  VerifyPrunedOptions,
  "pattern" | "minSparsity" | "maxOutputError" | "backend" | "statistics" | "gzip" | "latencyRuns"
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
  /** Called before every check. @default nothing */
  readonly onProgress?: (event: ProgressEvent) => void;
}

/**
 * Judges a pruned model against its original. A failed verification is a result, not an error.
 *
 * @throws {OnnxError} when one of the files is no usable ONNX model
 * @throws {VerifyError} on a limit that cannot be one, or samples that hold nothing
 * @throws {RunnerError} `bad-samples` when a sample file does not fit the model
 * @throws {EspalierError} `usage` when a glob matches no prunable weight; `input` when samples cannot be read
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { original, pruned, samples, include, exclude, onProgress, ...judgement } = options;
  const before = openModel(original);
  const chosen = include || exclude ? selectWeights(prunableWeights(before), options) : undefined;
  const names = chosen && new Set(chosen.map(({ name }) => name));
  const feeds = samples && (await feedsOf(samples, original, options.backend));
  return verifyPruned({
    ...judgement,
    original: before,
    pruned: openModel(pruned),
    originalSource: original,
    prunedSource: pruned,
    ...(names && { weights: (name: string) => names.has(name) }),
    ...(feeds && { samples: feeds }),
    ...(onProgress && {
      onProgress: ({ check, done, total }) => onProgress({ phase: "verify", done, total, item: check }),
    }),
  });
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
