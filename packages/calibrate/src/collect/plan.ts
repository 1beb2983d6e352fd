import { type Model, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import type { SkippedWeight } from "../file/statistics-file.js";
import { instrument } from "../instrument/index.js";
import { type Moment, momentLength } from "../moment.js";
import type { Probe } from "../probe.js";
import { StatisticsError } from "../statistics-error.js";
import type { ResolvedMeasureOptions } from "./collect-options.js";

/** One reading of the samples. */
export interface Pass {
  /** The instrumented model. */
  readonly model: Model;
  /** What is read from it, in the order in which it computes it. */
  readonly probes: readonly Probe[];
}

/** What is measured, and in how many readings of the samples. */
export interface Plan {
  /** At least one. */
  readonly passes: readonly Pass[];
  /** All moments of all passes, in an order that does not depend on the passes. */
  readonly moments: readonly Moment[];
  readonly skipped: readonly SkippedWeight[];
  readonly withoutGram: readonly SkippedWeight[];
}

/** What is known about where the passes will run. */
export interface PassLimits {
  /** Bytes that the Gram matrices of one pass may take, one copy of each. */
  readonly gramBytes: number;
  /** As in `InstrumentOptions`. */
  readonly blocked: boolean;
}

/**
 * Decides what is measured in which pass: sums of squares in the first, Gram matrices in as many as memory needs.
 *
 * @throws {StatisticsError} `unsupported` when nothing can be measured, or a weight that is named is not there or cannot be
 *   measured; `bad-option` when a single matrix is too large
 */
export function planPasses(model: Model, options: ResolvedMeasureOptions, { gramBytes, blocked }: PassLimits): Plan {
  const weights = selectWeights(model, options.weights);
  const shared = { ...(options.mask !== null && { mask: options.mask }), blocked };
  const { unsupported, withoutGram, ...everything } = instrument(model, weights, { ...shared, gram: options.gram });
  const { probes } = everything;
  if (probes.length === 0) throw nothingToMeasure(unsupported);
  if (options.weights && unsupported.length > 0) throw namedInVain(unsupported);
  const groups = groupGrams(probes, gramBytes);
  const gramPass = (gram: ReadonlySet<string>, index: number): Pass => {
    // Sums of squares are in the graph of every pass, read or not: another graph might be optimised into other last bits.
    const pass = instrument(model, weights, { ...shared, gram });
    return { model: pass.model, probes: pass.probes.filter(({ kind }) => kind === "gram" || index === 0) };
  };
  return {
    passes: groups.length <= 1 ? [everything] : groups.map(gramPass),
    moments: probes.map(({ kind, weights }) => ({ kind, weights })),
    skipped: unsupported,
    withoutGram,
  };
}

function selectWeights(model: Model, names: readonly string[] | undefined): readonly PrunableWeight[] {
  const all = prunableWeights(model);
  const wanted = names && new Set(names);
  for (const name of wanted ?? []) {
    const weight = all.find((candidate) => candidate.name === name);
    if (weight?.prunable) continue;
    const why = weight ? `it is not prunable: ${weight.reason}` : "the model has no weight of that name";
    throw new StatisticsError("unsupported", `Weight ${JSON.stringify(name)} cannot be measured: ${why}.`, {
      weight: name,
    });
  }
  return all.filter((weight) => weight.prunable).filter(({ name }) => wanted === undefined || wanted.has(name));
}

function nothingToMeasure([first]: readonly SkippedWeight[]): StatisticsError {
  const why = first ? `; ${first.name}: ${first.reason}` : ": it has no prunable weight";
  return new StatisticsError("unsupported", `Nothing in the model can be measured${why}.`);
}

/** Who names weights wants these, and not what is left of them. */
function namedInVain(unsupported: readonly SkippedWeight[]): StatisticsError {
  const list = unsupported.map(({ name, reason }) => `${JSON.stringify(name)}: ${reason}`).join("; ");
  return new StatisticsError("unsupported", `Some of the weights named cannot be measured: ${list}.`, {
    weight: unsupported[0]!.name,
  });
}

/** Names of weights, group by group, so that the matrices of a group fit. */
function groupGrams(probes: readonly Probe[], budget: number): ReadonlySet<string>[] {
  const groups: Set<string>[] = [];
  let left = 0;
  for (const { kind, weights } of probes) {
    if (kind !== "gram") continue;
    const [weight] = weights;
    const bytes = momentLength(kind, weight!) * Float64Array.BYTES_PER_ELEMENT;
    if (bytes > budget) throw tooLarge(weight!.name, bytes, budget);
    if (groups.length === 0 || bytes > left) {
      groups.push(new Set());
      left = budget;
    }
    for (const { name } of weights) groups.at(-1)!.add(name);
    left -= bytes;
  }
  return groups;
}

function tooLarge(weight: string, bytes: number, budget: number): StatisticsError {
  const factor = (bytes / budget).toFixed(1);
  const message = `memory: the Gram matrix of weight ${JSON.stringify(weight)} takes ${bytes} bytes a copy and there is room for ${Math.floor(budget)}; give ${factor} times as much, or use fewer threads.`;
  return new StatisticsError("bad-option", message, { weight });
}
