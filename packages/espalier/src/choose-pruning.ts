import { CoreError, type Criterion, type Mask, type Pattern, refusalReason, resolvePattern } from "@espalier/core";
import type { AllocationRun, Recovery } from "@espalier/export";
import { type Model, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import {
  addBiases,
  type Obs,
  type RecoveredWeight,
  type RecoveryMethod,
  recover,
  unrecoverableWeights,
} from "@espalier/recover";
import { chooseMasks, type Division, divide, type SkippedWeight } from "./choose-masks.js";
import { EspalierError } from "./errors.js";
import { gatherStatistics } from "./gather-statistics.js";
import type { PruneOptions } from "./prune.js";
import { allocate } from "./recovery/allocate.js";
import { pruneAndRecover } from "./recovery/prune-and-recover.js";
import { type RecoveryReport, recoveryReport } from "./recovery/recovery-report.js";
import { openSamples } from "./samples.js";
import { selectWeights } from "./select-weights.js";

/** What is to become of a model. */
export interface ChosenPruning {
  /** The model that the rest is about: as given, or with biases added. */
  readonly original: Model;
  readonly weights: readonly PrunableWeight[];
  readonly skipped: readonly SkippedWeight[];
  readonly masks: ReadonlyMap<string, Mask>;
  readonly allocation?: AllocationRun;
  readonly recovery?: Recovery;
  readonly report?: RecoveryReport;
}

/** Decides what goes and what is made of the rest, by the way that the options name. */
export async function choosePruning(given: Model, options: PruneOptions): Promise<ChosenPruning> {
  const method = options.recover ?? (options.calibration ? "least-squares" : "none");
  requireConsistent(method, options);
  if (method === "none" && "score" in options.criterion) return byMasks(given, options, options.criterion);
  if (options.calibration) return byStages(given, options, method);
  return fromGrams(given, options, method);
}

/** Kept weights stay as they are. */
async function byMasks(original: Model, options: PruneOptions, criterion: Criterion): Promise<ChosenPruning> {
  const selected = selectWeights(prunableWeights(original), options);
  const { calibration, allocation = "uniform" } = options;
  // An allocation may look at samples that the criterion has no use for.
  const isAsked = criterion.needsStatistics || allocation === "uniform";
  const gathered = isAsked ? await gatherStatistics(original, selected, { ...options, criterion }) : options.statistics;
  const choice = { ...options, criterion, ...(gathered && { statistics: gathered }) };
  const { supported, skipped } = divideUnless(options, selected, (weight) => refusalReason(weight, choice));
  const samples = calibration && (() => openSamples(original, calibration));
  const patterns = await allocate(original, supported, { ...choice, samples });
  const masks = await chooseMasks(supported, choice, patterns);
  return { original, weights: supported, skipped, masks, ...allocationOf(options, patterns) };
}

/** Layer by layer, on samples. */
async function byStages(given: Model, options: PruneOptions, method: RecoveryMethod): Promise<ChosenPruning> {
  const chosen = selectWeights(prunableWeights(given), options);
  const original = options.addBiases ? addBiases(given, new Set(chosen.map(({ name }) => name))) : given;
  const selected = options.addBiases ? selectWeights(prunableWeights(original), options) : chosen;
  const { supported, skipped } = divideUnless(options, selected, reasonsAgainst(original, selected, options));
  const samples = await openSamples(original, options.calibration!);
  const request = { ...options, samples, recover: method };
  const { patterns, pruning } = await pruneAndRecover(original, supported, request);
  const { weights, biases, steps } = pruning;
  return {
    ...{ original, weights: supported, skipped },
    masks: masksOf(weights),
    ...allocationOf(options, patterns),
    ...(method !== "none" && { recovery: { method, values: valuesOf(weights), tensors: biases } }),
    report: recoveryReport(method, weights, steps),
  };
}

/** One mask for all, compensated from Gram matrices of the dense model. */
async function fromGrams(original: Model, options: PruneOptions, method: RecoveryMethod): Promise<ChosenPruning> {
  const { grams, criterion, damping, threads, signal, onProgress } = options;
  if (!grams || method !== "obs" || !("score" in criterion)) throw needsSamples(method, criterion, grams !== undefined);
  const { weights: all, ...chosen } = await byMasks(original, options, criterion);
  let done = 0;
  const recovered = await recover(original, chosen.masks, grams, {
    ...(damping !== undefined && { damping }),
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
    onLayer: (item) => onProgress?.({ phase: "recover", done: ++done, total: chosen.masks.size, item }),
  });
  const recovery = { method, values: valuesOf(recovered) };
  return { ...chosen, weights: all, recovery, report: recoveryReport(method, recovered, []) };
}

function divideUnless(
  { onUnsupported, pattern }: PruneOptions,
  selected: readonly PrunableWeight[],
  reasonAgainst: (weight: PrunableWeight) => string | undefined,
): Division {
  // What core refuses itself, all in one message, it is left to refuse.
  if (onUnsupported === "skip") return divide(selected, reasonAgainst, pattern.spec);
  const refusals = selected.flatMap((weight) => {
    const reason = reasonAgainst(weight);
    return reason === undefined ? [] : [{ name: weight.name, reason }];
  });
  if (refusals.length === 0) return { supported: selected, skipped: [] };
  const list = refusals.map(({ name, reason }) => `"${name}": ${reason}`).join("; ");
  const message = `${refusals.length} of ${selected.length} weights cannot be pruned as ${pattern.spec}: ${list}`;
  throw new CoreError("unsupported", message, { refusals });
}

/** Why stages cannot prune a weight. */
function reasonsAgainst(
  model: Model,
  weights: readonly PrunableWeight[],
  { criterion, pattern, mask }: PruneOptions,
): (weight: PrunableWeight) => string | undefined {
  const resolved = resolvePattern(pattern, criterion);
  const shapes = new Map(weights.map((weight) => [weight.name, weight.axisConflict ?? resolved.eligibility(weight)]));
  const fitting = weights.filter(({ name }) => shapes.get(name) === undefined);
  for (const { name, reason } of unrecoverableWeights(model, fitting, mask)) shapes.set(name, reason);
  return ({ name }) => shapes.get(name);
}

function allocationOf(
  { allocation = "uniform" }: PruneOptions,
  patterns: ReadonlyMap<string, Pattern>,
): { allocation?: AllocationRun } {
  if (allocation === "uniform") return {};
  const sparsities = new Map([...patterns].map(([name, { sparsity }]) => [name, sparsity]));
  return { allocation: { name: allocation, sparsities } };
}

function masksOf(weights: ReadonlyMap<string, RecoveredWeight>): ReadonlyMap<string, Mask> {
  return new Map([...weights].map(([name, { mask }]) => [name, mask]));
}

function valuesOf(weights: ReadonlyMap<string, RecoveredWeight>): Recovery["values"] {
  return new Map([...weights].map(([name, { values }]) => [name, values]));
}

function requireConsistent(method: RecoveryMethod, options: PruneOptions): void {
  const { calibration, statistics, schedule = "oneshot", maxOutputError, addBiases: add, steps } = options;
  const staged = method !== "none" || !("score" in options.criterion);
  if (staged && calibration && statistics) throw usage("both statistics and samples were given: leave one of them out");
  if (steps !== undefined && schedule === "oneshot") throw usage("steps were given without a schedule that takes them");
  if (staged && calibration) {
    const { group } = resolvePattern(options.pattern, options.criterion);
    if (group !== "model") return;
    throw usage("stages prune one layer after the other: instead of the group model use the allocation global");
  }
  const idle = [
    schedule !== "oneshot" && "a schedule",
    maxOutputError !== undefined && "a largest output error",
    add && "adding biases",
    options.progressFile !== undefined && "a progress file",
  ].find(Boolean);
  if (idle) throw usage(`${idle} needs samples to recover with, and a recovery other than none`);
}

function needsSamples(method: RecoveryMethod, criterion: Criterion | Obs, hasGrams: boolean): EspalierError {
  if (!("score" in criterion)) return usage("obs chooses by what the layers' inputs do: give samples (--samples)");
  if (method !== "obs") return usage(`recovery by ${method} runs the model: give samples (--samples)`);
  const has = hasGrams ? "" : "; a statistics file serves when it was made with --gram";
  return usage(`recovery by obs needs to know the layers' inputs: give samples (--samples)${has}`);
}

function usage(message: string): EspalierError {
  return new EspalierError("usage", message);
}
