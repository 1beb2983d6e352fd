import { availableParallelism } from "node:os";
import type { Pattern } from "@espalier/core";
import {
  floatBytes,
  type Model,
  type PrunableWeight,
  type TensorData,
  type TensorProto,
  withTensorData,
} from "@espalier/onnx";
import { groupSamples } from "./group-samples.js";
import { type OutputJudge, openOutputJudge } from "./output-error.js";
import type { ProgressFile } from "./progress/progress-file.js";
import {
  pruneInStages,
  type SolutionStore,
  type StagewiseOptions,
  type StagewisePruning,
  takesBatches,
} from "./prune-in-stages.js";
import { RecoverError } from "./recover-error.js";
import { type Split, splitSamples } from "./split-samples.js";

/** How far to prune, and in how many steps. */
export interface StepwiseOptions extends Omit<StagewiseOptions, "patternOf" | "solutions"> {
  /** The sparsity over all weights at each step, ascending fractions in [0, 1); at least one. */
  readonly sparsities: readonly number[];
  /** The pattern of a weight at one of these. */
  readonly patternAt: (weight: PrunableWeight, sparsity: number) => Pattern;
  /**
   * The largest relative L2 error of the outputs on samples held back, above 0: the first step that exceeds it is undone, and the
   * one before is the result.
   * @default no limit
   */
  readonly maxOutputError?: number;
  /** Where solutions are kept, for a run that is interrupted. @default nowhere */
  readonly progress?: ProgressFile;
  /** Called after every step. @default nothing */
  readonly onStep?: (step: Step) => void;
}

/** One step of {@link pruneInSteps}. */
export interface Step {
  readonly sparsity: number;
  /** Relative L2 error of the outputs on samples held back: the root of what `openOutputJudge` gives. */
  readonly outputError: number;
  /** Whether the step stayed within the limit. */
  readonly passed: boolean;
}

/** What {@link pruneInSteps} came to. */
export interface StepwisePruning extends StagewisePruning {
  /** The dense model with other data in its weights and biases. */
  readonly model: Model;
  /** All steps tried; the result is the last that passed. */
  readonly steps: readonly Step[];
}

const JUDGED_BATCH = 16;

/**
 * Prunes in steps of growing sparsity, each from where the last one ended, with statistics and compensation of its own. With several
 * steps the last is also tried straight from the dense model, and the better of the two counts.
 *
 * Of the samples, one in eight (at most 64) is held back and only judges; of fewer than eight, all do both.
 *
 * @throws {RecoverError} `too-far` when not even the first step stays within `maxOutputError`; what `pruneInStages` throws
 */
export async function pruneInSteps(
  dense: Model,
  weights: readonly PrunableWeight[],
  options: StepwiseOptions,
): Promise<StepwisePruning> {
  const { sparsities, maxOutputError = Number.POSITIVE_INFINITY, threads = availableParallelism(), signal } = options;
  const split = splitSamples(await groupSamples(options.samples));
  const judge = await openOutputJudge(dense, split.judged, {
    batch: takesBatches(dense) ? JUDGED_BATCH : 1,
    threads,
    ...(signal && { signal }),
  });
  const attempt = attempts(dense, weights, split, judge, options);
  const steps: Step[] = [];
  let best: Attempt | undefined;
  for (const [index, sparsity] of sparsities.entries()) {
    const tries = [await attempt(best?.model ?? dense, sparsity)];
    if (index > 0 && index === sparsities.length - 1) tries.push(await attempt(dense, sparsity));
    const better = tries.reduce((a, b) => (b.outputError < a.outputError ? b : a));
    const step = { sparsity, outputError: better.outputError, passed: better.outputError <= maxOutputError };
    steps.push(step);
    options.onStep?.(step);
    if (!step.passed) break;
    best = better;
  }
  if (best === undefined) throw tooFar(steps[0]!, maxOutputError);
  return { ...best.pruning, model: best.model, steps };
}

interface Attempt {
  readonly pruning: StagewisePruning;
  readonly model: Model;
  readonly outputError: number;
}

function attempts(
  dense: Model,
  weights: readonly PrunableWeight[],
  { fitted }: Split,
  judge: OutputJudge,
  options: StepwiseOptions,
): (from: Model, sparsity: number) => Promise<Attempt> {
  let attempts = 0;
  return async (from, sparsity) => {
    const solutions = solutionsOf(options.progress, attempts++);
    const patternOf = (weight: PrunableWeight): Pattern => options.patternAt(weight, sparsity);
    const pruning = await pruneInStages(dense, from, weights, { ...options, samples: fitted, patternOf, ...solutions });
    const model = withValues(dense, weights, pruning);
    return { pruning, model, outputError: Math.sqrt(await judge.errorOf(model)) };
  };
}

function solutionsOf(file: ProgressFile | undefined, attempt: number): { solutions?: SolutionStore } {
  if (file === undefined) return {};
  const find = (weight: string) => file.find({ attempt, weight });
  return { solutions: { find, add: (weight, solution) => file.add({ attempt, weight }, solution) } };
}

/** The model with the new values of weights and biases. */
function withValues(
  dense: Model,
  weights: readonly PrunableWeight[],
  { weights: pruned, biases }: StagewisePruning,
): Model {
  const edits = new Map<TensorProto, TensorData>();
  for (const { name, tensor } of weights) {
    const { values } = pruned.get(name)!;
    edits.set(tensor, () => floatBytes(tensor, values));
  }
  for (const [tensor, values] of biases) edits.set(tensor, () => floatBytes(tensor, values));
  return withTensorData(dense, edits);
}

function tooFar({ sparsity, outputError }: Step, limit: number): RecoverError {
  const message = `already at sparsity ${sparsity} the outputs are off by ${outputError.toPrecision(3)} (relative L2 on held-back samples), the limit is ${limit}`;
  return new RecoverError("too-far", message);
}
