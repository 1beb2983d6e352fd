import { availableParallelism } from "node:os";
import type { Criterion, Pattern, Sensitivity } from "@espalier/core";
import { floatBytes, type Model, type PrunableWeight, withTensorData } from "@espalier/onnx";
import { groupSamples } from "./group-samples.js";
import { layerTask } from "./layer-request.js";
import type { Obs } from "./obs.js";
import { openOutputJudge } from "./output-error.js";
import { type RunOptions, stageOptions, takesBatches } from "./prune-in-stages.js";
import type { RecoveryMethod } from "./solve/layer-task.js";
import { openSolver } from "./solver/open-solver.js";
import { runStages } from "./stages/run-stages.js";
import { requireRecoverable } from "./unrecoverable-weights.js";

/** How each weight is pruned alone. */
export interface SensitivityOptions extends RunOptions {
  readonly criterion: Criterion | Obs;
  /** The pattern of every weight; it takes a sparsity. */
  readonly pattern: Pattern & Required<Pick<Pattern, "withSparsity">>;
  /** `none` leaves kept weights as they are, everything else compensates them. */
  readonly method: RecoveryMethod;
  /** The sparsities to try, ascending fractions in (0, 1). @default 0.3, 0.5, 0.7, 0.85, 0.95 */
  readonly sparsities?: readonly number[];
  /** Of the samples, how many the output is judged on, evenly spread. @default 32 */
  readonly judged?: number;
  /** Of the samples, how many masks and compensation see, evenly spread. @default 256 */
  readonly fitted?: number;
  /** Called after every weight. @default nothing */
  readonly onWeight?: (name: string) => void;
}

const SPARSITIES: readonly number[] = [0.3, 0.5, 0.7, 0.85, 0.95];
const JUDGED = 32;
const FITTED = 256;
const JUDGED_BATCH = 16;

/**
 * What pruning each weight alone does to the model's output, at several sparsities: the rest of the model stays dense. The
 * error is the squared relative error of the outputs, as `openOutputJudge` says.
 *
 * @returns by weight name, for the allocation `sensitivity`
 * @throws {RecoverError} what `pruneInStages` throws
 */
export async function measureSensitivity(
  model: Model,
  weights: readonly PrunableWeight[],
  options: SensitivityOptions,
): Promise<Map<string, Sensitivity>> {
  const { threads = availableParallelism(), pattern, method, criterion, signal, onWeight } = options;
  const { sparsities = SPARSITIES, judged = JUDGED, fitted = FITTED } = options;
  requireRecoverable(model, weights, options.mask);
  const samples = await groupSamples(spread(await all(options.samples), fitted));
  const run = { ...stageOptions(model, options, samples), threads, cross: false };
  const judge = await openOutputJudge(model, spread(samples, judged), {
    batch: takesBatches(model) ? JUDGED_BATCH : 1,
    threads,
    ...(signal && { signal }),
  });
  const solver = openSolver(threads);
  const measured = new Map<string, Sensitivity>();
  try {
    await runStages(model, model, weights, run, async (weight, { fit }) => {
      const errors: number[] = [];
      for (const sparsity of sparsities) {
        const request = { criterion, method: compensation(method), fit, intercept: false };
        const { values } = await solver.solve(
          layerTask(weight, { ...request, pattern: pattern.withSparsity(sparsity) }),
        );
        const edit = new Map([[weight.tensor, () => floatBytes(weight.tensor, values)]]);
        errors.push(await judge.errorOf(withTensorData(model, edit)));
      }
      measured.set(weight.name, { sparsities, errors });
      onWeight?.(weight.name);
      return { values: weight.read() };
    });
    return measured;
  } finally {
    await solver.close();
  }
}

/** Alone in a dense model, a layer sees what it sees there: there is nothing to make up for but its own mask. */
function compensation(method: RecoveryMethod): RecoveryMethod {
  return method === "least-squares" ? "obs" : method;
}

async function all<Item>(items: Iterable<Item> | AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** `count` of the samples, evenly spread. */
function spread<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]!);
}
