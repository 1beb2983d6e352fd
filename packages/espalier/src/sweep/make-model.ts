import type { Statistics } from "@espalier/core";
import type { Model } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { exportModel } from "../export/export-model.js";
import type { ExportFormat } from "../export/export-options.js";
import { type PrunedModel, prune } from "../prune.js";
import { parseMethod } from "./parse-method.js";
import { patternOf } from "./plan-cells.js";
import type { SweepCell } from "./sweep-result.js";
import type { CellOptions } from "./sweep-task.js";

/** What a pruned model is made from, and with how much of the machine. */
export interface PruningMeans {
  readonly calibration: readonly Sample[];
  /** Of the original, for criteria that need them. */
  readonly statistics?: Statistics;
  readonly threads: number;
  readonly memory?: number;
  readonly signal?: AbortSignal;
}

/**
 * Prunes a model as a cell says. Weights that cannot take the pattern stay dense and are listed.
 *
 * @throws what `prune` throws
 */
export async function pruneFor(
  cell: SweepCell,
  model: Model,
  { include, exclude, mask, seed }: CellOptions,
  { calibration, statistics, ...means }: PruningMeans,
): Promise<PrunedModel> {
  const { criterion, recover, needs } = parseMethod(cell.criterion, seed);
  return prune(model, {
    ...{ criterion, pattern: patternOf(cell), recover, onUnsupported: "skip", ...means },
    ...(include && { include }),
    ...(exclude && { exclude }),
    ...(needs === "samples" && { calibration, ...(mask !== undefined && { mask }) }),
    ...(needs === "statistics" && statistics && { statistics }),
  });
}

/** The pruned model in the format of a cell. @throws what `exportModel` throws */
export async function storedAs(format: string, pruned: Model, signal?: AbortSignal): Promise<Model> {
  if (format === "dense") return pruned;
  return (await exportModel(pruned, { format: format as ExportFormat, ...(signal && { signal }) })).model;
}
