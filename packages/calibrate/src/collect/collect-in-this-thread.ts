import { decodeModel, encodeModel, externalDataFiles, type Model } from "@espalier/onnx";
import { openRunner } from "@espalier/runtime";
import { type Summary, summarize } from "../summarize.js";
import { type InThreadOptions, resolveMeasureOptions } from "./collect-options.js";
import { CollectionRecord } from "./collection-record.js";
import { hasBlockedConvolutions } from "./has-blocked-convolutions.js";
import { modelInputs } from "./model-inputs.js";
import { planPasses } from "./plan.js";
import { requireMeasured } from "./require-measured.js";
import { runPass } from "./run-pass.js";
import { runShard } from "./run-shard.js";
import type { Samples, Shard } from "./shard.js";

/** What {@link collectInThisThread} found. */
export interface CollectedInThread extends Summary {
  /** Number of samples, all of them in the sums. */
  readonly samples: number;
}

/**
 * {@link collectStatistics} without workers and files, for browsers: the same sums, computed by one runner in this thread.
 * On one backend and machine they are the same, bit for bit.
 *
 * @param model the bytes of an `.onnx` file, or a model that was read before
 * @param samples read once
 * @throws {StatisticsError} as `collectStatistics`
 * @throws {OnnxError} when the bytes are no usable ONNX model
 */
export async function collectInThisThread(
  model: Uint8Array | Model,
  samples: Samples,
  options: InThreadOptions = {},
): Promise<CollectedInThread> {
  const measure = resolveMeasureOptions(options);
  const original = model instanceof Uint8Array ? decodeModel(model) : model;
  const { passes, moments, ...without } = planPasses(original, measure, {
    gramBytes: Number.POSITIVE_INFINITY,
    blocked: hasBlockedConvolutions(options.backend),
  });
  const { model: instrumented, probes } = passes[0]!;
  const externalData = externalDataFiles(instrumented);
  const runner = await openRunner(encodeModel(instrumented), {
    ...(options.backend && { backend: options.backend }),
    externalData,
  });
  // Nothing is resumed or merged, so nothing has to be known again.
  const record = new CollectionRecord(moments, () => "");
  const runHere = async (shard: Shard, signal: AbortSignal) => {
    const sums = await runShard({ runner, probes, batch: measure.batch, stopped: () => signal.aborted }, shard);
    return sums ?? Promise.reject(signal.reason);
  };
  await runPass({
    ...options,
    ...{ record, samples, inputs: modelInputs(original), shardSize: measure.shardSize, probes, pass: 1, passes: 1 },
    selected: () => true,
    runners: [{ run: runHere, close: () => runner.close() }],
    onRecorded: () => {},
  });
  const { samples: seen, moments: sums } = record.snapshot();
  const summary = summarize({ moments: sums, ...without });
  requireMeasured(summary, measure.mask);
  return { ...summary, samples: seen.count };
}
