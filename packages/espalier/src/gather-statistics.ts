import type { CollectionProgress } from "@espalier/calibrate";
import type { Criterion, Statistics } from "@espalier/core";
import type { Model, PrunableWeight } from "@espalier/onnx";
import { collectStatistics } from "./calibrate.js";
import { EspalierError } from "./errors.js";
import type { ProgressEvent } from "./progress.js";
import type { SampleSource, Samples } from "./samples.js";

/** Where a criterion that needs statistics gets them from. */
export interface StatisticsSource {
  /** Statistics that were collected before, by weight name. @default none */
  readonly statistics?: Statistics;
  /** Samples to collect them from now. They must look like the data of use. @default none */
  readonly calibration?: Samples | SampleSource;
  /** With `calibration`: a model input such as `attention_mask`; positions where it is 0 do not count. @default every position counts */
  readonly mask?: string;
}

interface Request extends StatisticsSource {
  readonly criterion: Criterion;
  readonly onUnsupported?: "error" | "skip";
  readonly onProgress?: (event: ProgressEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * The statistics that a criterion needs; undefined for criteria that need none.
 *
 * @throws {EspalierError} `usage` when they are missing, given twice, or given to a criterion that has no use for them
 * @throws {StatisticsError} `unsupported` naming a weight whose inputs cannot be measured, unless those are skipped
 */
export async function gatherStatistics(
  model: Model,
  weights: readonly PrunableWeight[],
  { criterion, statistics, calibration, mask, onUnsupported, onProgress, signal }: Request,
): Promise<Statistics | undefined> {
  const { name } = criterion;
  if (mask !== undefined && !calibration)
    throw usage(`a mask (${mask}) was given without samples, where it would do nothing`);
  if (!criterion.needsStatistics) {
    if (!statistics && !calibration) return undefined;
    throw usage(
      `${name} looks at weights alone: leave samples and statistics out, or choose another criterion, such as wanda`,
    );
  }
  if (statistics && calibration) throw usage("both statistics and samples were given: leave one of them out");
  if (statistics) return statistics;
  if (!calibration)
    throw usage(
      `${name} weighs each weight by how strongly its input is driven: give samples (--samples) or statistics (--statistics)`,
    );
  const collected = await collectStatistics(model, calibration, {
    ...(onUnsupported !== "skip" && { weights: weights.map((weight) => weight.name) }),
    ...(mask !== undefined && { mask }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (progress: CollectionProgress) => onProgress(calibrationEvent(progress)) }),
  });
  return collected.statistics;
}

/** Progress of a calibration with samples as the unit, so that the rate is in samples per second. */
export function calibrationEvent({ pass, passes, shards, samples }: CollectionProgress): ProgressEvent {
  const which = `shard ${shards.done}${shards.total === undefined ? "" : ` of ${shards.total}`}`;
  return { phase: "calibrate", ...samples, item: passes > 1 ? `${which}, pass ${pass} of ${passes}` : which };
}

function usage(message: string): EspalierError {
  return new EspalierError("usage", message);
}
