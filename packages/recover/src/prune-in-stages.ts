import { availableParallelism } from "node:os";
import { modelInputs } from "@espalier/calibrate";
import type { Criterion, Mask, Pattern } from "@espalier/core";
import { type Model, type PrunableWeight, prunableWeights, type TensorProto, tensorValues } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { type BiasSite, biasFinder } from "./biases/find-bias.js";
import { groupSamples } from "./group-samples.js";
import { layerTask, type Values } from "./layer-request.js";
import type { Obs } from "./obs.js";
import { RecoverError } from "./recover-error.js";
import { type RecoveredWeight, recoveredWeight } from "./recovered-weight.js";
import type { LayerSolution, RecoveryMethod } from "./solve/layer-task.js";
import { openSolver, type Solver } from "./solver/open-solver.js";
import {
  type Decision,
  runStages,
  type StageInputs,
  type StageProgress,
  type StageReport,
} from "./stages/run-stages.js";
import { requireRecoverable } from "./unrecoverable-weights.js";

/** How samples are run. */
export interface RunOptions {
  /** Feeds that look like the data of use, without labels; at least one. They are held in memory. */
  readonly samples: Iterable<Sample> | AsyncIterable<Sample>;
  /** Most samples in one run of the model; those of equal sizes share runs. @default 32 */
  readonly batch?: number;
  /** Worker threads. The result does not depend on it. @default the number of cores */
  readonly threads?: number;
  /** Bytes that activations may take in memory between two stages; what is beyond goes to temporary files. @default 2e9 */
  readonly memory?: number;
  /** Name of an input `[batch, seq]` such as `attention_mask`: positions where it is 0 do not count. @default all count */
  readonly mask?: string;
  /** Stops the run. @default never */
  readonly signal?: AbortSignal;
}

/** What to prune and how to make up for it. */
export interface StagewiseOptions extends RunOptions {
  /** What goes: a criterion that scores weights, or `obs()`. A criterion that needs statistics gets those of the pruned model so far. */
  readonly criterion: Criterion | Obs;
  /** The shape of the zeros of each weight, with its sparsity. Not with the comparison group `model`. */
  readonly patternOf: (weight: PrunableWeight) => Pattern;
  /** What goes, where that is decided already. @default the criterion decides */
  readonly masks?: ReadonlyMap<string, Mask>;
  readonly method: RecoveryMethod;
  /** Fraction of the mean diagonal of the Gram matrix that is added to it. @default 0.01; least squares chooses it on held-back samples */
  readonly damping?: number;
  /** Solutions of an earlier, interrupted run, and where those of this one go. @default none */
  readonly solutions?: SolutionStore;
  /** Called as stages run. @default nothing */
  readonly onProgress?: (progress: StageProgress) => void;
}

/** Solutions by the name of their weight. */
export interface SolutionStore {
  find(weight: string): LayerSolution | undefined;
  /** Called once for each weight that `find` does not know. */
  add(weight: string, solution: LayerSolution): void;
}

/** What {@link pruneInStages} found. */
export interface StagewisePruning {
  /** By name. */
  readonly weights: ReadonlyMap<string, RecoveredWeight>;
  /** New values of biases, by their tensor in the model. */
  readonly biases: ReadonlyMap<TensorProto, Values>;
  readonly stages: StageReport;
}

/** Every which batch is held back, to judge by. */
const HELD_BACK = 8;
const DEFAULT_BATCH = 32;
const DEFAULT_MEMORY = 2e9;

/**
 * Prunes a model layer by layer from the front: the masks and new values of a layer are chosen on the inputs that it gets in
 * the model pruned so far, and with `least-squares` for the outputs that it has in the dense model. The whole runs the samples
 * through both models once.
 *
 * @param dense the model to come close to
 * @param current where to start from: `dense` itself, or that model with other data in its weights and biases. Zeros stay zeros
 * @param weights of `dense`, to be pruned
 * @throws {RecoverError} `unsupported` naming each weight whose inputs cannot be had; what solving and running throw
 */
export async function pruneInStages(
  dense: Model,
  current: Model,
  weights: readonly PrunableWeight[],
  options: StagewiseOptions,
): Promise<StagewisePruning> {
  const { threads = availableParallelism(), method, onProgress } = options;
  requireRecoverable(dense, weights, options.mask);
  const samples = await groupSamples(options.samples);
  const solver = openSolver(threads);
  const pruning = new Pruning(dense, current, options, solver);
  // What the layer does in the dense model is asked for only where it is aimed at.
  const cross = method !== "none" && method !== "obs";
  const run = { ...stageOptions(dense, options, samples), threads, cross, ...(onProgress && { onProgress }) };
  try {
    const stages = await runStages(dense, current, weights, run, (weight, inputs) => pruning.decide(weight, inputs));
    return { weights: pruning.weights, biases: pruning.biases, stages };
  } finally {
    await solver.close();
  }
}

/** {@link RunOptions} as stages take them. @throws {RecoverError} `no-samples` */
export function stageOptions(model: Model, options: RunOptions, samples: readonly Sample[]) {
  const { batch = DEFAULT_BATCH, memory = DEFAULT_MEMORY, mask, signal } = options;
  if (samples.length === 0) {
    throw new RecoverError("no-samples", "there are no samples to recover with: give at least one");
  }
  const shared = { samples, batch: takesBatches(model) ? batch : 1, memory, heldBack: HELD_BACK };
  return { ...shared, ...(mask !== undefined && { mask }), ...(signal && { signal }) };
}

/** Whether samples can share a run: not where the model fixes the size of a batch. */
export function takesBatches(model: Model): boolean {
  return modelInputs(model).every(({ dims }) => typeof dims[0] !== "number");
}

/** Decides weight after weight. */
class Pruning {
  readonly weights = new Map<string, RecoveredWeight>();
  readonly biases = new Map<TensorProto, Values>();
  readonly #dense: Model;
  readonly #currentWeights: ReadonlyMap<string, PrunableWeight>;
  readonly #options: StagewiseOptions;
  readonly #solver: Solver;
  readonly #biasOf: (weight: PrunableWeight) => BiasSite | undefined;

  constructor(dense: Model, current: Model, options: StagewiseOptions, solver: Solver) {
    this.#dense = dense;
    this.#currentWeights = new Map(
      prunableWeights(current).flatMap((weight) => (weight.prunable ? [[weight.name, weight] as const] : [])),
    );
    this.#options = options;
    this.#solver = solver;
    this.#biasOf = biasFinder(dense);
  }

  async decide(weight: PrunableWeight, inputs: StageInputs): Promise<Decision> {
    const { method, solutions } = this.#options;
    const site = this.#biasOf(weight);
    const solution = solutions?.find(weight.name) ?? (await this.#solve(weight, inputs, site !== undefined));
    const { values } = solution;
    this.weights.set(weight.name, recoveredWeight(solution));
    if (site === undefined || method === "none") return { values };
    const bias = { tensor: site.tensor, values: this.#shiftedBias(site, solution) };
    this.biases.set(bias.tensor, bias.values);
    return { values, bias };
  }

  async #solve(weight: PrunableWeight, inputs: StageInputs, intercept: boolean): Promise<LayerSolution> {
    const { method, criterion, patternOf, masks, damping, solutions } = this.#options;
    const mask = masks?.get(weight.name);
    const task = layerTask(weight, {
      ...{ criterion, method, ...inputs, intercept },
      pattern: patternOf(weight),
      values: this.#currentWeights.get(weight.name)!.read(),
      ...(mask && { mask }),
      ...(damping !== undefined && { damping }),
    });
    const solution = await this.#solver.solve(task);
    solutions?.add(weight.name, solution);
    return solution;
  }

  #shiftedBias({ tensor, factor }: BiasSite, { biasChange }: LayerSolution): Values {
    return tensorValues(this.#dense, tensor).map((value, channel) => value + factor * biasChange[channel]!);
  }
}
