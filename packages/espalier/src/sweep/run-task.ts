import type { Statistics } from "@espalier/core";
import { type Model, prunableWeights, readModel } from "@espalier/onnx";
import { openRunner } from "@espalier/runtime";
import { isVerifyError } from "@espalier/verify";
import { EspalierError } from "../errors.js";
import type { PrunedModel } from "../prune.js";
import { readStatistics } from "../statistics.js";
import { accuracyOf } from "./accuracy-asked.js";
import { CellStore } from "./cell-store.js";
import { pruneFor, storedAs } from "./make-model.js";
import { layersOf, measureCell, type Reference } from "./measure-cell.js";
import type { MeasuredRow } from "./pareto.js";
import { parseMethod } from "./parse-method.js";
import { RecordedOutputs } from "./recorded-outputs.js";
import { type Refusal, refusalOf } from "./refusal.js";
import type { SweepCell, SweptLayer } from "./sweep-result.js";
import type { KeyedCell, ModelSetup, SweepAnswer, SweepSetup, SweepTask } from "./sweep-task.js";

/** A model that a thread works on, with everything that its cells share. */
interface OpenModel {
  readonly model: Model;
  readonly setup: ModelSetup;
  readonly reference: Reference;
  readonly statistics?: Statistics;
}

/** A pruned model with what does not depend on how it is stored. */
interface PrunedCell {
  readonly pruned: PrunedModel;
  readonly layers: readonly SweptLayer[];
  /** Milliseconds that it took. */
  readonly took: number;
}

/** What stands for a result where there is none. */
interface Refused {
  readonly refusal: Refusal;
}

/** Makes and measures cells in one thread; models stay open from task to task. */
export class TaskRunner {
  readonly #setup: SweepSetup;
  readonly #signal: AbortSignal;
  readonly #store: CellStore;
  #open: { readonly name: string; readonly opened: OpenModel } | undefined;

  /** @param signal stops the task under way */
  constructor(setup: SweepSetup, signal: AbortSignal) {
    this.#setup = setup;
    this.#signal = signal;
    this.#store = new CellStore(setup.store);
  }

  /** Prunes once, and makes, measures and saves a cell in each format; a refusal that may pass is not saved. */
  async run(task: SweepTask): Promise<SweepAnswer> {
    try {
      this.#signal.throwIfAborted();
      const { cell } = task[0]!;
      const opened = await this.#openModel(cell.model);
      const pruned = await this.#prune(cell, opened);
      const rows: MeasuredRow[] = [];
      for (const one of task) rows.push(await this.#finish(one, opened, pruned));
      return { status: "done", rows };
    } catch (error) {
      return this.#answerTo(error);
    }
  }

  async #prune(cell: SweepCell, { setup, model, reference, statistics }: OpenModel): Promise<PrunedCell | Refused> {
    if (parseMethod(cell.criterion).needs === "statistics" && setup.statistics && "problem" in setup.statistics) {
      return { refusal: { reason: setup.statistics.problem, passing: false } };
    }
    const means = { calibration: setup.calibration, threads: 1, memory: this.#setup.memory, signal: this.#signal };
    return refusing(async () => {
      const start = performance.now();
      const pruned = await pruneFor(cell, model, this.#setup.options, { ...means, ...(statistics && { statistics }) });
      return { pruned, layers: layersOf(pruned, reference.weights), took: performance.now() - start };
    });
  }

  async #finish({ cell, key }: KeyedCell, opened: OpenModel, pruned: PrunedCell | Refused): Promise<MeasuredRow> {
    const made = "refusal" in pruned ? pruned : await this.#measure(cell, opened, pruned);
    const row: MeasuredRow =
      "refusal" in made ? { ...cell, status: "refused", reason: made.refusal.reason } : { ...cell, ...made };
    if (!("refusal" in made && made.refusal.passing)) this.#store.save(key, row);
    return row;
  }

  async #measure({ format }: SweepCell, { reference }: OpenModel, { pruned, layers, took }: PrunedCell) {
    const start = performance.now();
    const measured = await refusing(async () => {
      return measureCell(await storedAs(format, pruned.model, this.#signal), reference);
    });
    if ("refusal" in measured) return measured;
    return {
      ...{ status: "done" as const, zeros: pruned.sparsity, ...measured, layers },
      skipped: pruned.skipped,
      seconds: (took + performance.now() - start) / 1000,
    };
  }

  async #openModel(name: string): Promise<OpenModel> {
    if (this.#open?.name === name) return this.#open.opened;
    await this.#closeModel();
    const { models, options } = this.#setup;
    const setup = models[name]!;
    const { path, test, labels, outputs, latencyMs, statistics } = setup;
    const model = readModel(path);
    const weights = prunableWeights(model).flatMap((one) => (one.prunable ? [[one.name, one] as const] : []));
    const reference: Reference = {
      original: await openRunner(path),
      weights: new Map(weights),
      outputs: new RecordedOutputs(outputs),
      ...{ test, originalMs: latencyMs, latencyRuns: options.latencyRuns, accuracy: await accuracyOf(options, labels) },
      check: () => this.#signal.throwIfAborted(),
    };
    const read = statistics && "path" in statistics ? { statistics: readStatistics(statistics.path) } : {};
    const opened = { model, setup, reference, ...read };
    this.#open = { name, opened };
    return opened;
  }

  async #closeModel(): Promise<void> {
    const reference = this.#open?.opened.reference;
    this.#open = undefined;
    reference?.outputs.close();
    await reference?.original.close();
  }

  #answerTo(error: unknown): SweepAnswer {
    if (this.#signal.aborted) return { status: "stopped" };
    if (error instanceof EspalierError) return { status: "failed", code: error.code, message: error.message };
    if (isVerifyError(error)) return { status: "failed", code: "input", message: error.message };
    throw error;
  }
}

/** What `work` gives, or why a cell cannot be made. */
async function refusing<Result>(work: () => Promise<Result>): Promise<Result | Refused> {
  try {
    return await work();
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return { refusal };
  }
}
