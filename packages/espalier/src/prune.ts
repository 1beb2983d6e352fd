import type { Gram } from "@espalier/calibrate";
import type { Criterion, Mask, Pattern } from "@espalier/core";
import { applyMasksInSteps, type PruningRun } from "@espalier/export";
import {
  encodeModel,
  fractionOfZeros,
  type Model,
  type ParameterCount,
  type PrunableWeight,
  parameterCounts,
  prunableWeights,
  type ZeroCount,
} from "@espalier/onnx";
import type { Obs } from "@espalier/recover";
import type { SkippedWeight } from "./choose-masks.js";
import { choosePruning } from "./choose-pruning.js";
import type { StatisticsSource } from "./gather-statistics.js";
import { openModel } from "./open-model.js";
import { breathe, type ProgressEvent } from "./progress.js";
import type { RecoveryOptions } from "./recovery/recovery-options.js";
import type { RecoveryReport } from "./recovery/recovery-report.js";
import type { WeightSelection } from "./select-weights.js";
import { VERSION } from "./version.js";
import { type WrittenModel, writeTo } from "./write.js";

/** What to prune and how. */
export interface PruneOptions extends WeightSelection, StatisticsSource, RecoveryOptions {
  /**
   * Says which entries of a weight go: `l1()`, `l2()`, `wanda()`, `random(seed)`, your own, or `obs()`, which leaves the choice to
   * compensation.
   */
  readonly criterion: Criterion | Obs;
  /** The shape that zeros must have, with its sparsity: `unstructured(0.5)`, `nm(2, 4)`, `block(16, 4, 0.5)`, … */
  readonly pattern: Pattern;
  /** Gram matrices that were collected before, by weight name: what `recover: "obs"` needs where there are no samples. @default none */
  readonly grams?: ReadonlyMap<string, Gram>;
  /** What happens when a weight cannot take the pattern or has no statistics. `skip` leaves it dense and reports it. @default "error" */
  readonly onUnsupported?: "error" | "skip";
  /** Called after every weight. @default nothing */
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Stops the run between two weights. @default never */
  readonly signal?: AbortSignal;
}

/** One pruned weight: `zeros` of `total` entries are zero now, entries that were zero before included. */
export interface PrunedWeight extends ZeroCount {
  readonly name: string;
  /** `zeros / total`, a fraction in [0, 1]. */
  readonly sparsity: number;
  readonly criterion: string;
  readonly pattern: string;
}

/** Fractions of zeros, each over its own denominator: the entries of the pruned weights, of all prunable weights, of all parameters. */
export interface SparsityReport {
  readonly ofPruned: number;
  readonly ofPrunable: number;
  readonly ofAll: number;
}

/** A pruned model that is not written yet: its weights are computed one at a time while it is written. */
export interface PrunedModel {
  readonly model: Model;
  readonly masks: ReadonlyMap<string, Mask>;
  readonly weights: readonly PrunedWeight[];
  readonly skipped: readonly SkippedWeight[];
  readonly sparsity: SparsityReport;
  /** How it was made up for; absent where kept weights are as they were. */
  readonly recovery?: RecoveryReport;
  /**
   * Writes the model: a temporary file in the same folder, synced, then renamed.
   *
   * @throws {EspalierError} `output` when the folder does not exist or cannot be written, or the disk is full
   */
  write(path: string): Promise<WrittenModel>;
  /** The bytes of the `.onnx` file; tensors in external data files stay there. */
  toBytes(): Uint8Array;
}

/**
 * Prunes a model: chooses the entries that go by `criterion` within `pattern`, sets them to zero, and with samples changes what is
 * kept so that the outputs come back (`recover`). Everything else in the model stays as it is, bit for bit; the model given is
 * never changed.
 *
 * @param model path of an `.onnx` file, its bytes, or a model that was read before
 * @throws {EspalierError} `input` without prunable weights; `usage` when a glob matches nothing, or options contradict each other
 * @throws {CoreError} `unsupported` with every weight that cannot take the pattern (unless skipped); `not-finite`
 * @throws {RecoverError} when compensation fails, or `too-far` when `maxOutputError` cannot be kept
 * @throws {OnnxError} when the file is no usable ONNX model
 */
export async function prune(model: string | Uint8Array | Model, options: PruneOptions): Promise<PrunedModel> {
  const { criterion, pattern } = options;
  const { original, weights, masks, skipped, allocation, recovery, report } = await choosePruning(
    openModel(model),
    options,
  );
  const tool = `espalier ${VERSION}`;
  const run = { tool, criterion, pattern, ...(allocation && { allocation }), ...(recovery && { recovery }) };
  const pruned = await applyAll(original, weights, masks, run, options);
  const counts = await countAll(pruned, options);
  const countsOfPruned = counts.filter(({ name }) => masks.has(name));
  return {
    model: pruned,
    masks,
    weights: countsOfPruned.map(({ name, total, zeros }) => {
      return { name, total, zeros, sparsity: zeros / total, criterion: criterion.name, pattern: pattern.spec };
    }),
    skipped,
    sparsity: {
      ofPruned: fractionOfZeros(countsOfPruned),
      ofPrunable: fractionOfZeros(counts.filter(({ prunable }) => prunable)),
      ofAll: fractionOfZeros(counts),
    },
    ...(report && { recovery: report }),
    write: (path) => writeTo(pruned, path, options),
    toBytes: () => encodeModel(pruned),
  };
}

/** The model with what the masks prune set to zero, and new values where there are some. */
async function applyAll(
  model: Model,
  weights: readonly PrunableWeight[],
  masks: ReadonlyMap<string, Mask>,
  run: PruningRun,
  { signal, onProgress }: PruneOptions,
): Promise<Model> {
  const steps = applyMasksInSteps(model, weights, masks, run);
  for (let done = 1; ; done++) {
    await breathe(signal);
    const step = steps.next();
    if (step.done) return step.value;
    onProgress?.({ phase: "apply", done, total: masks.size, item: step.value });
  }
}

/** Counts the zeros of the pruned model, one tensor at a time. */
async function countAll(model: Model, { signal, onProgress }: PruneOptions): Promise<readonly ParameterCount[]> {
  const total = prunableWeights(model).length;
  const counts: ParameterCount[] = [];
  for (const count of parameterCounts(model)) {
    await breathe(signal);
    counts.push(count);
    onProgress?.({ phase: "count", done: counts.length, total, item: count.name });
  }
  return counts;
}
