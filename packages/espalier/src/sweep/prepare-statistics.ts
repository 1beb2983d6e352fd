import { existsSync } from "node:fs";
import { type CollectionProgress, isStatisticsError, writeStatisticsFile } from "@espalier/calibrate";
import type { Model } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { collectStatistics, withExitCodes } from "../calibrate.js";
import { calibrationEvent } from "../gather-statistics.js";
import type { ProgressEvent } from "../progress.js";
import type { ModelSetup } from "./sweep-task.js";

/** What statistics are collected from, and where they go. */
export interface StatisticsRequest {
  readonly model: Model;
  readonly calibration: readonly Sample[];
  readonly mask?: string | undefined;
  /** Statistics file; taken as it is where it exists. */
  readonly path: string;
  readonly threads: number;
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Collects the statistics that all criteria of a sweep share, once; or says why there are none, which refuses only the cells that
 * need them.
 *
 * @throws {StatisticsError} of samples
 * @throws {EspalierError} `usage` of threads, `output` when the file cannot be written
 */
export async function prepareStatistics(request: StatisticsRequest): Promise<NonNullable<ModelSetup["statistics"]>> {
  const { model, calibration, mask, path, threads, onProgress, signal } = request;
  if (existsSync(path)) return { path };
  try {
    const collected = await collectStatistics(model, calibration, {
      threads,
      ...(mask !== undefined && { mask }),
      ...(signal && { signal }),
      onProgress: (progress: CollectionProgress) => onProgress?.(calibrationEvent(progress)),
    });
    await withExitCodes(writeStatisticsFile(path, collected.file));
    return { path };
  } catch (error) {
    if (!isStatisticsError(error, "no-samples") && !isStatisticsError(error, "unsupported")) throw error;
    return { problem: error.message };
  }
}
