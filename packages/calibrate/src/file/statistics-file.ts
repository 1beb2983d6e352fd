import type { MomentSums } from "../moment.js";

/** What tells a model apart: 64 lower-case hex digits each. */
export interface ModelFingerprint {
  /** Over nodes, attributes, names, inputs and outputs. */
  readonly graph: string;
  /** Over the data of all constant tensors. */
  readonly weights: string;
}

/** Everything beside model and samples that sums depend on. */
export interface CollectionOptions {
  /** Most samples in one run of the model, at least 1. */
  readonly batch: number;
  /** Samples in a shard, at least 1; the last shard may have fewer. */
  readonly shardSize: number;
  /** The input whose zeros are positions that do not count; null where every position counts. */
  readonly mask: string | null;
}

/** The samples that have been read, whether or not their shards are finished in this file. */
export interface SamplesSeen {
  readonly count: number;
  /** SHA-256 of each shard's samples, 64 lower-case hex digits, in the order of shards. */
  readonly shards: readonly string[];
  /** Whether these are all of them; false while the end has not been reached. */
  readonly complete: boolean;
}

/** A weight of which something is not measured, and why. */
export interface SkippedWeight {
  readonly name: string;
  readonly reason: string;
}

/** The content of a `.stats` file, finished or not. */
export interface StatisticsFile {
  readonly model: ModelFingerprint;
  readonly options: CollectionOptions;
  readonly samples: SamplesSeen;
  /** Weights whose inputs cannot be measured. */
  readonly skipped: readonly SkippedWeight[];
  /** Weights with sums of squares, whose Gram matrices were asked for and cannot be computed. */
  readonly withoutGram: readonly SkippedWeight[];
  readonly moments: readonly MomentSums[];
}

/** The marker that a file begins with. */
export const FORMAT = "espalier-statistics";

/** The version that is written, and the only one that is read. */
export const VERSION = 1;

/** The shards of `file` that are not in every one of its sums, ascending; those behind the last one read are unknown. */
export function missingShards({ samples, moments }: StatisticsFile): number[] {
  const lacks = (shard: number) => moments.some(({ folded, pending }) => shard >= folded && !pending.has(shard));
  return samples.shards.map((_, shard) => shard).filter(lacks);
}
