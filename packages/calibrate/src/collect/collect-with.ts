import { availableParallelism } from "node:os";
import { decodeModel, type Model, readModel } from "@espalier/onnx";
import { Checkpoint } from "../file/checkpoint.js";
import { readStatisticsFile } from "../file/read-statistics-file.js";
import { requireSameRun } from "../file/require-same-run.js";
import { missingShards, type StatisticsFile } from "../file/statistics-file.js";
import { writeTemporaryModel } from "../workers/temporary-model.js";
import { type LaneOptions, WorkerLane } from "../workers/worker-lane.js";
import {
  type CollectOptions,
  type ResolvedWorkOptions,
  resolveMeasureOptions,
  resolveWorkOptions,
} from "./collect-options.js";
import { type CollectedStatistics, collected } from "./collected-statistics.js";
import { CollectionRecord } from "./collection-record.js";
import { digestSamples } from "./digest-samples.js";
import { fingerprintModel } from "./fingerprint-model.js";
import { hasBlockedConvolutions } from "./has-blocked-convolutions.js";
import { modelInputs } from "./model-inputs.js";
import { type Pass, planPasses } from "./plan.js";
import { requireRepeatable, runPass } from "./run-pass.js";
import type { Samples } from "./shard.js";

/** What tests replace. */
export type Internals = Pick<LaneOptions, "workerFile" | "resourceLimits">;

/** {@link collectStatistics} with parts that can be replaced. */
export async function collectWith(
  internals: Internals,
  source: string | Uint8Array | Model,
  samples: Samples,
  options: CollectOptions,
): Promise<CollectedStatistics> {
  const measure = resolveMeasureOptions(options);
  const work = resolveWorkOptions(options, availableParallelism());
  const model = openModel(source);
  const limits = { gramBytes: work.memory / copiesOfGrams(work), blocked: hasBlockedConvolutions("node") };
  const { passes, moments, skipped, withoutGram } = planPasses(model, measure, limits);
  requireRepeatable(samples, passes.length);
  options.signal?.throwIfAborted();
  const { batch, shardSize, mask } = measure;
  const run = { model: fingerprintModel(model), options: { batch, shardSize, mask }, skipped, withoutGram };
  const record = new CollectionRecord(moments, (shard) => digestSamples(shard.samples));
  const snapshot = (): StatisticsFile => ({ ...run, ...record.snapshot() });
  const reused = options.resumeFrom === undefined ? 0 : takeOver(record, snapshot(), options.resumeFrom);
  await keepingUp(options.output, snapshot, async (onRecorded) => {
    const selected = (shard: number) => shard % work.shard.of === work.shard.index;
    const request = { ...options, record, samples, inputs: modelInputs(model), shardSize, selected, onRecorded };
    for (const [index, pass] of passes.entries()) {
      const { probes } = pass;
      await withWorkers(internals, pass, { ...work, batch }, (runners) =>
        runPass({ ...request, probes, runners, pass: index + 1, passes: passes.length }),
      );
    }
  });
  return collected(snapshot(), reused);
}

/** Keeps a file up to date while work goes on, and leaves it complete however the work ends. */
async function keepingUp(
  path: string | undefined,
  snapshot: () => StatisticsFile,
  work: (onRecorded: () => void) => Promise<void>,
): Promise<void> {
  if (path === undefined) return work(() => {});
  const checkpoint = new Checkpoint(path, snapshot);
  try {
    await work(() => checkpoint.changed());
  } catch (error) {
    // What stopped the work says more than what a last write could.
    await checkpoint.flush().catch(() => {});
    throw error;
  }
  // That the samples have come to their end is new, too.
  checkpoint.changed();
  await checkpoint.flush();
}

/**
 * Copies of the Gram matrices of a pass that exist at a time: in each worker the output of ONNX Runtime, the sum, and the
 * message twice; the message and its content for each worker in the main thread; the total before and after an addition.
 */
function copiesOfGrams({ threads }: ResolvedWorkOptions): number {
  return 6 * threads + 2;
}

function openModel(source: string | Uint8Array | Model): Model {
  if (typeof source === "string") return readModel(source);
  return source instanceof Uint8Array ? decodeModel(source) : source;
}

/** Returns how many shards were taken over. */
function takeOver(record: CollectionRecord, run: StatisticsFile, path: string): number {
  const file = readStatisticsFile(path);
  requireSameRun(path, file, run, "this run");
  record.takeOver(path, file);
  return file.samples.shards.length - missingShards(file).length;
}

async function withWorkers(
  internals: Internals,
  { model, probes }: Pass,
  { threads, retries, batch }: ResolvedWorkOptions & { readonly batch: number },
  work: (runners: readonly WorkerLane[]) => Promise<void>,
): Promise<void> {
  const temporary = writeTemporaryModel(model);
  try {
    const lane = { ...internals, modelPath: temporary.path, probes, batch, retries };
    await work(Array.from({ length: threads }, () => new WorkerLane(lane)));
  } finally {
    temporary.remove();
  }
}
