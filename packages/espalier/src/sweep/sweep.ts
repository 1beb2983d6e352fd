import { join } from "node:path";
import { type SweepReportOptions, sweepReport } from "../report/sweep-report.js";
import { writeWhole } from "../write-whole.js";
import { bestWithin } from "./budget.js";
import { CellStore, makeFolder } from "./cell-store.js";
import { cellKey } from "./digests.js";
import { type MeasuredRow, withPareto } from "./pareto.js";
import { type PreparedModel, prepareModel, statisticsFor } from "./prepare-model.js";
import { runTasks } from "./run-tasks.js";
import { openModels, type SweepModel } from "./sweep-models.js";
import { type ResolvedSweep, resolveSweep, type SweepOptions } from "./sweep-options.js";
import type { SweepResult, SweepRow } from "./sweep-result.js";
import type { CellOptions, KeyedCell } from "./sweep-task.js";
import { tasksOf } from "./tasks-of.js";
import { bestPath, isBest, removeBest, writeBest } from "./write-best.js";

/** Bytes that recovery may take for activations in all workers together. */
const MEMORY = 2e9;

/**
 * Prunes models by every combination of criterion, pattern and sparsity, stores them in every format, and measures each against
 * its original: outputs, scores, bytes, latency. What combinations share is done once: statistics for criteria, the original's
 * outputs and times, the pruned model of several formats.
 *
 * Every finished cell is kept in the folder under a digest of all that it depends on. So a sweep that was killed goes on where it
 * was, and one that is repeated, or grows, computes only what is new, and what ONNX Runtime stopped at, as where memory ran out.
 * The folder gets `sweep.json`, which is the result, with a budget `best.onnx`, and `report.html`, which shows it all (with pictures
 * of the best model, where there is one).
 *
 * @throws {EspalierError} `usage` for options; `input` for models, samples, labels or a metric that cannot be used, and for a cell
 *   whose worker died twice; `output`
 * @throws {CoreError} `invalid-pattern`, `invalid-sparsity`
 * @throws {OnnxError}, {@link RunnerError}, {@link StatisticsError}, {@link VerifyError} for an original and its samples
 */
export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const asked = resolveSweep(options);
  makeFolder(asked.folder);
  const store = new CellStore(join(asked.folder, "cells"));
  const models = await openModels(asked);
  const cells = asked.cells.map((cell): KeyedCell => {
    return { cell, key: cellKey(cell, models.get(cell.model)!.digests, cellOptions(asked)) };
  });
  const known = new Map(
    cells.flatMap(({ key }) => {
      const row = store.find<MeasuredRow>(key);
      return row ? [[key, row] as const] : [];
    }),
  );
  const missing = cells.filter(({ key }) => !known.has(key));
  const prepared = await prepareAll([...models.values()], missing, asked, store);
  const made = await makeCells(missing, prepared, asked, known.size);
  const rows = cells.map(({ cell, key }) => ({ ...(known.get(key) ?? made.get(key)!), model: cell.model }));
  const result = resultOf(withPareto(rows), [...models.values()], prepared, asked);
  await keepBest(result, cells, models, asked, store);
  writeWhole(join(asked.folder, "sweep.json"), `${JSON.stringify(result, null, 2)}\n`);
  writeWhole(join(asked.folder, "report.html"), await sweepReport(result, picturesOf(result, asked)));
  return result;
}

async function prepareAll(
  models: readonly SweepModel[],
  missing: readonly KeyedCell[],
  asked: ResolvedSweep,
  store: CellStore,
): Promise<ReadonlyMap<string, PreparedModel>> {
  const prepared = new Map<string, PreparedModel>();
  for (const model of models) {
    const own = missing.flatMap(({ cell }) => (cell.model === model.name ? [cell] : []));
    prepared.set(model.name, await prepareModel(model, own, asked, store));
  }
  return prepared;
}

async function makeCells(
  missing: readonly KeyedCell[],
  prepared: ReadonlyMap<string, PreparedModel>,
  asked: ResolvedSweep,
  known: number,
): Promise<ReadonlyMap<string, MeasuredRow>> {
  const { cells, threads, folder, signal, onProgress } = asked;
  const tasks = tasksOf(missing);
  const made = new Map<string, MeasuredRow>();
  if (tasks.length === 0) return made;
  const models = Object.fromEntries([...prepared].flatMap(([name, { setup }]) => (setup ? [[name, setup]] : [])));
  const setup = { models, options: cellOptions(asked), store: join(folder, "cells"), memory: MEMORY / threads };
  await runTasks(tasks, setup, {
    threads: Math.min(threads, tasks.length),
    signal,
    onDone: (task, rows) => {
      for (const [index, { key }] of task.entries()) made.set(key, rows[index]!);
      const { model, criterion, pattern, sparsity } = task[0]!.cell;
      const item = `${model}, ${criterion}, ${pattern}, ${sparsity}`;
      onProgress?.({ phase: "sweep", done: known + made.size, total: cells.length, item });
    },
  });
  return made;
}

function resultOf(
  rows: readonly SweepRow[],
  models: readonly SweepModel[],
  prepared: ReadonlyMap<string, PreparedModel>,
  { limits, command }: ResolvedSweep,
): SweepResult {
  const [first] = models;
  const { calibration, test } = first!.samples;
  const metric = prepared.get(first!.name)!.original.metric;
  return {
    version: 1,
    originals: models.map(({ name }) => ({ name, ...prepared.get(name)!.original.figures })),
    rows,
    samples: { calibration: calibration.length, test: test.length },
    ...(metric !== undefined && { metric }),
    ...(limits && { budget: { text: limits.text, best: bestWithin(limits, rows) } }),
    command,
  };
}

async function keepBest(
  { budget }: SweepResult,
  cells: readonly KeyedCell[],
  models: ReadonlyMap<string, SweepModel>,
  asked: ResolvedSweep,
  store: CellStore,
): Promise<void> {
  if (budget === undefined || budget.best === null) return removeBest({ folder: asked.folder, store });
  const best = cells[budget.best]!;
  if (isBest(best, { folder: asked.folder, store })) return;
  const model = models.get(best.cell.model)!;
  const { path, samples } = model;
  const source = { path, calibration: samples.calibration, ...(await statisticsFor(model, [best.cell], asked)) };
  await writeBest(best, source, { ...asked, store, options: cellOptions(asked) });
}

/** The best model is at hand; any other would have to be made again. */
function picturesOf({ budget, rows }: SweepResult, { folder, paths }: ResolvedSweep): SweepReportOptions {
  if (budget === undefined || budget.best === null) return {};
  return { pictured: { original: paths.get(rows[budget.best]!.model)!, pruned: bestPath(folder) } };
}

/** Only what workers need, and can be sent to them. */
function cellOptions({ include, exclude, metric, scores, top, mask, seed, latencyRuns }: ResolvedSweep): CellOptions {
  return {
    latencyRuns,
    ...(include && { include }),
    ...(exclude && { exclude }),
    ...(metric !== undefined && { metric }),
    ...(scores !== undefined && { scores }),
    ...(top !== undefined && { top }),
    ...(mask !== undefined && { mask }),
    ...(seed !== undefined && { seed }),
  };
}
