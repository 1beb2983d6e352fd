import { existsSync } from "node:fs";
import { join } from "node:path";
import { accuracyOf } from "./accuracy-asked.js";
import { type CellStore, makeFolder } from "./cell-store.js";
import { originalKey, statisticsKey } from "./digests.js";
import { parseMethod } from "./parse-method.js";
import { type PreparedOriginal, prepareOriginal } from "./prepare-original.js";
import { prepareStatistics } from "./prepare-statistics.js";
import type { SweepModel } from "./sweep-models.js";
import type { ResolvedSweep } from "./sweep-options.js";
import type { SweepCell } from "./sweep-result.js";
import { inSharedMemory } from "./sweep-samples.js";
import type { ModelSetup } from "./sweep-task.js";

/** What the cells of a model share. */
export interface PreparedModel {
  readonly original: PreparedOriginal;
  /** Absent where no cell is to be made. */
  readonly setup?: ModelSetup;
}

/**
 * Does what the cells of a model share, as far as an earlier sweep into the folder has not: runs the original, and collects
 * statistics where a cell needs them.
 *
 * @param cells of this model that are to be made; without one nothing is run but an original that is not known yet
 * @throws what `prepareOriginal` and `prepareStatistics` throw
 */
export async function prepareModel(
  opened: SweepModel,
  cells: readonly SweepCell[],
  asked: ResolvedSweep,
  store: CellStore,
): Promise<PreparedModel> {
  const { name, path, model, samples, digests } = opened;
  const work = workFolder(asked);
  makeFolder(work);
  const { calibration, test, labels } = samples;
  const key = originalKey(digests, asked);
  const outputs = join(work, `${key}.outputs`);
  const known = cells.length > 0 && !existsSync(outputs) ? undefined : store.find<PreparedOriginal>(key);
  const original =
    known ??
    (await prepareOriginal({ ...asked, name, path, model, test, outputs, accuracy: await accuracyOf(asked, labels) }));
  if (known === undefined) store.save(key, original);
  if (cells.length === 0) return { original };
  return {
    original,
    setup: {
      ...{
        path,
        outputs,
        latencyMs: original.figures.latencyMs,
        calibration: inSharedMemory(calibration),
        test: inSharedMemory(test),
      },
      ...(labels && { labels }),
      ...(await statisticsFor(opened, cells, asked)),
    },
  };
}

/**
 * The statistics that cells of a model need, if any does; collected where an earlier sweep into the folder has not.
 *
 * @throws what `prepareStatistics` throws
 */
export async function statisticsFor(
  { model, samples: { calibration }, digests }: SweepModel,
  cells: readonly SweepCell[],
  asked: ResolvedSweep,
): Promise<Pick<ModelSetup, "statistics">> {
  if (cells.every(({ criterion }) => parseMethod(criterion).needs !== "statistics")) return {};
  const path = join(workFolder(asked), `${statisticsKey(digests, asked)}.stats`);
  return { statistics: await prepareStatistics({ ...asked, model, calibration, path }) };
}

function workFolder({ folder }: ResolvedSweep): string {
  return join(folder, "work");
}
