import {
  type Criterion,
  computeMasks,
  type Mask,
  type MaskRequest,
  type Pattern,
  refusalReason,
  requireSupport,
  resolvePattern,
} from "@espalier/core";
import { applyMasksInSteps } from "@espalier/export";
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
import { EspalierError } from "./errors.js";
import { gatherStatistics, type StatisticsSource } from "./gather-statistics.js";
import { openModel } from "./open-model.js";
import { breathe, type ProgressEvent } from "./progress.js";
import { selectWeights, type WeightSelection } from "./select-weights.js";
import { VERSION } from "./version.js";
import { type WrittenModel, writeTo } from "./write.js";

/** What to prune and how. */
export interface PruneOptions extends WeightSelection, StatisticsSource {
  /** Scores every entry of a weight: `l1()`, `l2()`, `wanda()`, `random(seed)`, or your own. */
  readonly criterion: Criterion;
  /** The shape that zeros must have, with its sparsity: `unstructured(0.5)`, `nm(2, 4)`, `block(16, 4, 0.5)`, … */
  readonly pattern: Pattern;
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

/** A weight that was asked for and left dense, and why. */
export interface SkippedWeight {
  readonly name: string;
  readonly reason: string;
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
 * Prunes a model: chooses the entries that go by `criterion` within `pattern`, and sets them to zero. Kept entries and
 * everything else in the model stay as they are, bit for bit; the model given is never changed.
 *
 * @param model path of an `.onnx` file, its bytes, or a model that was read before
 * @throws {EspalierError} `input` without prunable weights; `usage` when a glob matches nothing
 * @throws {CoreError} `unsupported` with every weight that cannot take the pattern (unless skipped); `not-finite`
 * @throws {OnnxError} when the file is no usable ONNX model
 */
export async function prune(model: string | Uint8Array | Model, options: PruneOptions): Promise<PrunedModel> {
  const original = openModel(model);
  const selected = selectWeights(prunableWeights(original), options);
  const statistics = await gatherStatistics(original, selected, options);
  const request: Request = { ...options, ...(statistics && { statistics }) };
  const { supported, skipped } = divide(selected, request);
  const masks = await chooseMasks(supported, request);
  const { criterion, pattern } = options;
  const pruned = await applyAll(original, supported, masks, options);
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
    write: (path) => writeTo(pruned, path, options),
    toBytes: () => encodeModel(pruned),
  };
}

/** Options whose statistics are at hand. */
type Request = PruneOptions & MaskRequest;

/** Sets the weights apart that must stay dense; with the policy `error` core refuses them, all in one message. */
function divide(
  selected: readonly PrunableWeight[],
  options: Request,
): { supported: readonly PrunableWeight[]; skipped: readonly SkippedWeight[] } {
  if (options.onUnsupported !== "skip") return { supported: selected, skipped: [] };
  const judged = selected.map((weight) => ({ weight, reason: refusalReason(weight, options) }));
  const skipped = judged.flatMap(({ weight: { name }, reason }) => (reason === undefined ? [] : [{ name, reason }]));
  if (skipped.length === selected.length) {
    const [first] = skipped as [SkippedWeight];
    const all = `none of the ${selected.length} selected weights can be pruned as ${options.pattern.spec}`;
    throw new EspalierError("input", `${all}; ${first.name}: ${first.reason}`);
  }
  return { supported: judged.flatMap(({ weight, reason }) => (reason === undefined ? [weight] : [])), skipped };
}

/** Weights that are ranked together must be given to core together; all others go one by one, so that a run can stop. */
async function chooseMasks(weights: readonly PrunableWeight[], options: Request): Promise<Map<string, Mask>> {
  requireSupport(weights, options);
  const together = resolvePattern(options.pattern, options.criterion).group === "model";
  const parts = together ? [weights] : weights.map((weight) => [weight]);
  const masks = new Map<string, Mask>();
  const scratch = scratchFor(weights);
  const request = { ...options, ...(scratch && { scratch }) };
  for (const part of parts) {
    await breathe(options.signal);
    for (const [name, { mask }] of computeMasks(part, request)) masks.set(name, mask);
    options.onProgress?.({ phase: "masks", done: masks.size, total: weights.length, item: part.at(-1)!.name });
  }
  return masks;
}

/**
 * Memory that holds any of these weights as f32; f64 weights, which are rare, take memory of their own. Undefined where
 * there is not that much: dims may claim any size, and what is wrong with them is told by who reads the weight.
 */
function scratchFor(weights: readonly PrunableWeight[]): ArrayBuffer | undefined {
  try {
    return new ArrayBuffer(4 * Math.max(...weights.map((weight) => weight.outChannels * weight.inFeatures)));
  } catch {
    return undefined;
  }
}

/** The model with what the masks prune set to zero. */
async function applyAll(
  model: Model,
  weights: readonly PrunableWeight[],
  masks: ReadonlyMap<string, Mask>,
  { criterion, pattern, signal, onProgress }: PruneOptions,
): Promise<Model> {
  const steps = applyMasksInSteps(model, weights, masks, { tool: `espalier ${VERSION}`, criterion, pattern });
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
