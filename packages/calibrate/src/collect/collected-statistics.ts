import { missingShards, type StatisticsFile } from "../file/statistics-file.js";
import { type Summary, summarize } from "../summarize.js";
import { requireMeasured } from "./require-measured.js";

/** What a calibration found. */
export interface CollectedStatistics extends Summary {
  /** Samples read; all of them are in the sums unless shards were selected. */
  readonly samples: number;
  readonly shards: {
    /** Shards that the samples make. */
    readonly total: number;
    /** Shards that are in the sums. */
    readonly done: number;
    /** Of `done`, those that were taken over from `resumeFrom`. */
    readonly reused: number;
  };
  /** The content of the statistics file, for `encodeStatistics`. */
  readonly file: StatisticsFile;
}

/**
 * Sums up a run that has come to its end.
 *
 * @throws {StatisticsError} `no-samples` when all shards are in and no weight has seen a single position
 */
export function collected(file: StatisticsFile, reused: number): CollectedStatistics {
  const summary = summarize(file);
  const total = file.samples.shards.length;
  const done = total - missingShards(file).length;
  if (done === total) requireMeasured(summary, file.options.mask);
  return { ...summary, samples: file.samples.count, shards: { total, done, reused }, file };
}
