import type { AccuracyOptions } from "@espalier/verify";
import { EspalierError } from "../errors.js";
import { loadMetric } from "../load-metric.js";

/** How answers are scored, as plain data, so that it can be sent to another thread. */
export interface AccuracyAsked {
  /** Path of a module whose default export is a `Metric` of `@espalier/verify`; every thread loads it. @default by labels, where there are some */
  readonly metric?: string;
  /** With labels alone: the output that holds the scores or the class. @default the model's only output */
  readonly scores?: string;
  /** With labels alone: how many of the best classes count as an answer. @default 1 */
  readonly top?: number;
}

/** @throws {EspalierError} `usage` for options that need labels, or that a metric has no use for */
export function requireAccuracy({ metric, scores, top }: AccuracyAsked, hasLabels: boolean): void {
  if (scores === undefined && top === undefined) return;
  if (top !== undefined && (!Number.isSafeInteger(top) || top < 1))
    throw usage(`top is ${top}, expected a whole number from 1`);
  if (metric !== undefined) throw usage("a metric scores outputs itself: leave scores and top out");
  if (!hasLabels) throw usage("scores and top say how labels are compared: give labels");
}

/**
 * What is asked for as `@espalier/verify` takes it; undefined where accuracy is not measured.
 *
 * @throws {EspalierError} `input` when the metric cannot be loaded
 */
export async function accuracyOf(
  { metric, scores, top }: AccuracyAsked,
  labels: readonly unknown[] | undefined,
): Promise<AccuracyOptions | undefined> {
  if (metric !== undefined) return { metric: await loadMetric(metric), ...(labels && { labels }) };
  if (labels === undefined) return undefined;
  // What is no class is refused when the first outputs are scored.
  return {
    labels: labels as readonly number[],
    ...(scores !== undefined && { output: scores }),
    ...(top !== undefined && { top }),
  };
}

function usage(message: string): EspalierError {
  return new EspalierError("usage", message);
}
