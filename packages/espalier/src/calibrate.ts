import {
  type CollectedStatistics,
  type CollectOptions,
  collectStatistics as collect,
  isStatisticsError,
  modelInputs,
} from "@espalier/calibrate";
import type { Model } from "@espalier/onnx";
import { EspalierError } from "./errors.js";
import { openModel } from "./open-model.js";
import type { SampleSource, Samples } from "./samples.js";
import { checkWritable } from "./write.js";

/**
 * Runs a model over samples and sums up how strongly the inputs of its weights are driven: what `wanda()` needs.
 *
 * @param model path of an `.onnx` file, its bytes, or a model that was read before
 * @param samples feeds, or files of them (`fromFiles`, `fromNpz`)
 * @throws {EspalierError} `usage` for options that cannot be used, `output` when the statistics file cannot be written,
 *   `input` when samples cannot be read
 * @throws {StatisticsError} as `collectStatistics` of `@espalier/calibrate`
 * @throws {RunnerError} `bad-samples` when a sample file does not fit the model
 * @throws {OnnxError} when the file is no usable ONNX model
 */
export async function collectStatistics(
  model: string | Uint8Array | Model,
  samples: Samples | SampleSource,
  options: CollectOptions = {},
): Promise<CollectedStatistics> {
  if (options.output !== undefined) checkWritable(options.output);
  const opened = openModel(model);
  const feeds = "open" in samples ? await samples.open(modelInputs(opened)) : samples;
  return withExitCodes(collect(opened, feeds, options));
}

/** What has nothing to do with the content of model, samples and statistics gets the error class of usage and output. */
export async function withExitCodes<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (isStatisticsError(error, "bad-option")) throw new EspalierError("usage", error.message, { cause: error });
    if (isStatisticsError(error, "write-failed")) throw new EspalierError("output", error.message, { cause: error });
    throw error;
  }
}
