import type { Model } from "@espalier/onnx";
import type { CollectOptions } from "./collect-options.js";
import { collectWith } from "./collect-with.js";
import type { CollectedStatistics } from "./collected-statistics.js";
import type { Samples } from "./shard.js";

/**
 * Runs a model over samples and sums up how strongly each input feature of each weight is driven: `Σx²` over all positions
 * (and `XᵀX` on request), for Wanda and for compensation. The sums are computed inside the model, by ONNX Runtime.
 *
 * The same model, samples and options give the same statistics, bit for bit, for any number of threads and however the
 * shards were spread over machines: shards are cut by sample count, run on one core, and added in their order in float64.
 *
 * @param model path of an `.onnx` file, its bytes, or a model that was read before
 * @param samples read as they are needed, at most `threads + 2` shards ahead; more than once where `gram` takes several passes
 * @returns statistics of the shards that are in: all of them, unless `shard` selects some
 * @throws {StatisticsError} `bad-option`, `bad-sample`, `no-samples`, `unsupported`, `not-finite`, `load-failed`,
 *   `shard-failed`; `other-model`, `other-options`, `other-samples` when `resumeFrom` does not go with this run;
 *   `read-failed`, `write-failed`. Whatever stops the run, `output` holds every shard that was finished
 * @throws {OnnxError} when the model cannot be read
 * @throws the reason of `signal`, and whatever the samples throw
 * @see Sun et al. 2023, arXiv:2306.11695, section 3
 */
export function collectStatistics(
  model: string | Uint8Array | Model,
  samples: Samples,
  options: CollectOptions = {},
): Promise<CollectedStatistics> {
  return collectWith({}, model, samples, options);
}
