import { balancedBlocks, block, columns, nm, type Pattern, rows, unstructured } from "@espalier/core";
import { type Model, parameterCounts, prunableWeights, type Weight } from "@espalier/onnx";
import { openModel } from "./open-model.js";

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
  const counts = [...parameterCounts(opened)];
  const sparsity = new Map(counts.map(({ name, zeros, total }) => [name, zeros / total]));
  const sum = (of: typeof counts, part: "total" | "zeros"): number => of.reduce((all, count) => all + count[part], 0);
  return {
    model: typeof model === "string" ? model : "(bytes)",
    totals: {
      parameters: sum(counts, "total"),
      prunable: sum(
        counts.filter(({ prunable }) => prunable),
        "total",
      ),
      zeros: sum(counts, "zeros"),
    },
    weights: prunableWeights(opened).map((weight) => describe(weight, sparsity.get(weight.name) || 0)),
  };
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
