import { balancedBlocks, block, columns, nm, type Pattern, rows, unstructured } from "@espalier/core";
import { type Model, prunableWeights, type Weight } from "@espalier/onnx";
import { openModel } from "./open-model.js";
import { countZeros, isParameter, Tally } from "./zeros.js";

/** Patterns that `inspect` tries on every weight; the sparsity does not matter to what a weight can take. */
const PATTERNS: readonly Pattern[] = [
  unstructured(0.5),
  nm(2, 4),
  nm(4, 8),
  block(16, 4, 0.5),
  balancedBlocks(32, 256, 0.5),
  rows(0.5),
  columns(0.5),
];

/** Whether a weight can take a pattern, and why not. */
export interface Eligibility {
  readonly eligible: boolean;
  readonly reason: string | null;
}

/** One constant tensor of a model. `outChannels` and `inFeatures` are null where it is not prunable. */
export interface InspectedWeight {
  readonly name: string;
  /** The first node that consumes it; null for a tensor that nothing reads. */
  readonly node: string | null;
  readonly op: string | null;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly outChannels: number | null;
  readonly inFeatures: number | null;
  /** Fraction of zeros it has now; 0 for tensors that hold no parameters. */
  readonly sparsity: number;
  readonly prunable: boolean;
  readonly reason: string | null;
  readonly patterns: Readonly<Record<string, Eligibility>>;
}

/** What `inspect` finds; `totals` count entries. */
export interface Inspection {
  readonly model: string;
  readonly totals: { readonly parameters: number; readonly prunable: number; readonly zeros: number };
  readonly weights: readonly InspectedWeight[];
}

/**
 * Lists the constant tensors of a model: which can be pruned, in which patterns, and why not. Reads one tensor at a time.
 *
 * @throws {OnnxError} when the file is no usable ONNX model
 */
export function inspect(model: string | Uint8Array | Model): Inspection {
  const opened = openModel(model);
  const all = new Tally();
  const prunable = new Tally();
  const weights = prunableWeights(opened).map((weight): InspectedWeight => {
    if (!isParameter(weight)) return describe(weight, 0);
    const own = new Tally();
    const count = countZeros(opened, weight);
    for (const tally of weight.prunable ? [own, prunable, all] : [own, all]) tally.add(count);
    return describe(weight, own.sparsity);
  });
  const totals = { parameters: all.total, prunable: prunable.total, zeros: all.zeros };
  return { model: typeof model === "string" ? model : "(bytes)", totals, weights };
}

function describe(weight: Weight, sparsity: number): InspectedWeight {
  const [consumer] = weight.consumers;
  return {
    name: weight.name,
    node: consumer?.node ?? null,
    op: consumer?.op ?? null,
    dtype: weight.dtype,
    shape: weight.shape,
    outChannels: weight.prunable ? weight.outChannels : null,
    inFeatures: weight.prunable ? weight.inFeatures : null,
    sparsity,
    prunable: weight.prunable,
    reason: weight.prunable ? null : weight.reason,
    patterns: Object.fromEntries(PATTERNS.map((pattern) => [pattern.spec, eligibility(weight, pattern)])),
  };
}

function eligibility(weight: Weight, pattern: Pattern): Eligibility {
  const reason = weight.prunable ? pattern.eligibility(weight) : weight.reason;
  return { eligible: reason === undefined, reason: reason ?? null };
}
