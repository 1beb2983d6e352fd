import { type Summary, summarize } from "../summarize.js";
import { decodeStatisticsFile } from "./decode-statistics-file.js";
import { requireComplete } from "./require-complete.js";
import type { ModelFingerprint } from "./statistics-file.js";

/** What a finished `.stats` file says; `statistics` goes into `computeMasks` of `@espalier/core` as it is. */
export interface DecodedStatistics extends Summary {
  /** Number of samples, at least 1. */
  readonly samples: number;
  /** Of the model that ran. */
  readonly model: ModelFingerprint;
}

/**
 * Decodes a finished `.stats` file. Bytes may come from anywhere.
 *
 * @throws {StatisticsError} `not-statistics`, `unsupported-version`, `malformed`, `not-finite`; `incomplete` when shards are
 *   missing
 * @see the package's README for the format
 */
export function decodeStatistics(bytes: Uint8Array): DecodedStatistics {
  const file = decodeStatisticsFile(bytes);
  requireComplete(file);
  return { ...summarize(file), samples: file.samples.count, model: file.model };
}
