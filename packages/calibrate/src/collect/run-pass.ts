import type { ValueInfo } from "@espalier/runtime";
import type { Probe } from "../probe.js";
import { StatisticsError } from "../statistics-error.js";
import { checkSample } from "./check-sample.js";
import type { CollectOptions } from "./collect-options.js";
import { ProgressMeter, workAhead } from "./collection-progress.js";
import type { CollectionRecord } from "./collection-record.js";
import { cutShards } from "./cut-shards.js";
import { runShards } from "./run-shards.js";
import type { Samples } from "./shard.js";
import type { ShardRunner } from "./shard-runner.js";

/** What one pass over the samples needs. */
export interface PassRequest extends Pick<CollectOptions, "onProgress" | "signal"> {
  readonly record: CollectionRecord;
  readonly samples: Samples;
  readonly inputs: readonly ValueInfo[];
  readonly shardSize: number;
  /** Whether a shard is to be run here. */
  readonly selected: (shard: number) => boolean;
  readonly probes: readonly Probe[];
  readonly runners: readonly ShardRunner[];
  readonly pass: number;
  readonly passes: number;
  /** Called after each shard that is in the record. */
  readonly onRecorded: () => void;
}

/** Reads the samples once and runs the shards that the record lacks. */
export async function runPass(request: PassRequest): Promise<void> {
  const { record, samples, inputs, probes, selected, pass, passes, onProgress } = request;
  const shards = cutShards(samples, request.shardSize, (sample, index) => checkSample(sample, inputs, index));
  const isNeeded = (shard: number) => selected(shard) && !record.has(shard, probes);
  const meter = new ProgressMeter({ pass, passes }, workAhead(samples, request.shardSize, isNeeded));
  await runShards(
    record.missing(shards, probes, selected),
    request.runners,
    (shard, sums) => {
      record.add(shard, probes, sums);
      request.onRecorded();
      onProgress?.(meter.finished(shard));
    },
    request.signal ?? new AbortController().signal,
  );
}

/**
 * Several passes need samples that can be read again.
 *
 * @throws {StatisticsError} `bad-option`
 */
export function requireRepeatable(samples: Samples, passes: number): void {
  if (passes === 1) return;
  const iterator: unknown = Symbol.iterator in samples ? samples[Symbol.iterator]() : samples[Symbol.asyncIterator]();
  // A generator, and every other iterator, is its own iterable: reading it again gives nothing.
  if (iterator !== samples) return;
  const message = `memory: Gram matrices need ${passes} passes over the samples, and these can be read only once. Give an array or an object with [Symbol.iterator], or more memory.`;
  throw new StatisticsError("bad-option", message);
}
