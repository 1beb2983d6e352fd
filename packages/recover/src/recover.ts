import { availableParallelism } from "node:os";
import { type Gram, gramMatrix } from "@espalier/calibrate";
import type { Mask } from "@espalier/core";
import { type Model, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { RecoverError } from "./recover-error.js";
import { type RecoveredWeight, recoveredWeight } from "./recovered-weight.js";
import type { LayerTask } from "./solve/layer-task.js";
import { openSolver } from "./solver/open-solver.js";

/** Options of {@link recover}. */
export interface RecoverOptions {
  /** Fraction of the mean diagonal of each Gram matrix that is added to its diagonal, above 0. @default 0.01 */
  readonly damping?: number;
  /** Layers that are solved at a time, each on one core. The result does not depend on it. @default the number of cores */
  readonly threads?: number;
  /** Called after every layer. @default nothing */
  readonly onLayer?: (name: string, weight: RecoveredWeight) => void;
  /** Stops the run between two layers. @default never */
  readonly signal?: AbortSignal;
}

/**
 * Chooses the kept weights of every layer anew so that, on the inputs that its Gram matrix stands for, its output comes as
 * close as it can to that of the layer as it is: least squares on a given mask, all layers by themselves. Biases stay.
 *
 * That is the compensation of a finished mask from a statistics file. `pruneInStages` does more, and needs the samples.
 *
 * @param masks what goes, by weight name
 * @param grams of `collectStatistics` with `gram: true`, by weight name
 * @returns the new values of every weight that has a mask, by name
 * @throws {RecoverError} `unknown-weight`; `no-gram` naming a weight without Gram matrix; what solving throws
 * @see Frantar and Alistarh 2022, arXiv:2208.11580 (Optimal Brain Compression)
 */
export async function recover(
  model: Model,
  masks: ReadonlyMap<string, Mask>,
  grams: ReadonlyMap<string, Gram>,
  options: RecoverOptions = {},
): Promise<Map<string, RecoveredWeight>> {
  const { threads = availableParallelism(), damping, signal, onLayer } = options;
  const byName = new Map(prunableWeights(model).map((weight) => [weight.name, weight]));
  const tasks = [...masks].map(([name, mask]) => {
    const weight = byName.get(name);
    if (!weight?.prunable) {
      throw new RecoverError(
        "unknown-weight",
        `there is a mask for "${name}", which is no prunable weight of the model`,
      );
    }
    const gram = grams.get(name);
    if (gram === undefined) throw noGram(name);
    return () => taskOf(weight, mask, gram, damping);
  });
  const solver = openSolver(threads);
  try {
    const solved = new Map<string, RecoveredWeight>();
    const queue = tasks.values();
    const lane = async (): Promise<void> => {
      for (const task of queue) {
        signal?.throwIfAborted();
        const layer = task();
        const weight = recoveredWeight(await solver.solve(layer));
        solved.set(layer.weight, weight);
        onLayer?.(layer.weight, weight);
      }
    };
    // Only as many tasks as threads exist at a time: each holds a Gram matrix in full.
    await Promise.all(Array.from({ length: threads }, lane));
    return new Map([...masks.keys()].map((name) => [name, solved.get(name)!]));
  } finally {
    await solver.close();
  }
}

function taskOf(weight: PrunableWeight, mask: Mask, gram: Gram, damping: number | undefined): LayerTask {
  const { name, outChannels, inFeatures, groups, axes } = weight;
  const values = weight.read();
  const unknown = new Float64Array(inFeatures);
  return {
    ...{ weight: name, outChannels, inFeatures, groups, axes, values, dense: values },
    fit: Array.from({ length: groups }, (_, group) => {
      return { count: gram.count, gram: gramMatrix(gram, group), sum: unknown, denseSum: unknown };
    }),
    mask: { length: mask.length, bits: mask.bits },
    pattern: { spec: "unstructured", sparsity: 0 },
    method: "obs",
    intercept: false,
    ...(damping !== undefined && { damping }),
  };
}

function noGram(weight: string): RecoverError {
  const message = `there is no Gram matrix of the inputs of "${weight}": collect statistics with gram (espalier calibrate --gram)`;
  return new RecoverError("no-gram", message, { weight });
}
