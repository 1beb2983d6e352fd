import { prunedCount } from "@espalier/core";
import { fractionOfZeros, type ParameterCount, parameterCounts } from "@espalier/onnx";
import type { SparsityFigures } from "../check.js";
import { type CheckDefinition, counted } from "./check-definition.js";

/** The pruned weights have at least the asked-for fraction of zeros, rounded to whole entries in each weight. */
export const sparsity: CheckDefinition = {
  name: "sparsity",
  run({ options, judgedWeights }) {
    const names = new Set(judgedWeights.map(({ name }) => name));
    const all = [...parameterCounts(options.pruned)];
    const prunable = all.filter((count) => count.prunable);
    const judged = prunable.filter(({ name }) => names.has(name));
    const figures = figuresOf(judged, prunable, all);
    const measured = figures.ofPruned;
    const limit = options.minSparsity;
    const found = describe(figures, judged.length);
    if (limit === undefined) {
      return { status: "skipped", measured, limit: null, figures, message: `${found}; no least sparsity was given` };
    }
    if (judged.length === 0) {
      return { status: "failed", measured, limit, figures, message: `no weight was pruned, expected ${limit} zeros` };
    }
    const missing = zerosMissing(judged, limit);
    if (missing === 0) return { status: "passed", measured, limit, figures, message: found };
    const least = judged.reduce((a, b) => (b.zeros / b.total < a.zeros / a.total ? b : a));
    const message = `${found}; ${missing} zeros too few, the smallest share in weight "${least.name}"`;
    return { status: "failed", measured, limit, figures, message };
  },
};

function figuresOf(
  judged: readonly ParameterCount[],
  prunable: readonly ParameterCount[],
  all: readonly ParameterCount[],
): SparsityFigures {
  return {
    kind: "sparsity",
    ofPruned: fractionOfZeros(judged),
    ofPrunable: fractionOfZeros(prunable),
    ofAll: fractionOfZeros(all),
  };
}

function describe({ ofPruned, ofPrunable, ofAll }: SparsityFigures, weights: number): string {
  const [pruned, prunable, all] = [ofPruned, ofPrunable, ofAll].map((fraction) => fraction.toFixed(4));
  return `zeros: ${pruned} of ${counted(weights, "pruned weight")}, ${prunable} of all prunable weights, ${all} of all parameters`;
}

/** Pruners round to whole entries; half an entry of each weight must not fail what was asked for and done. */
function zerosMissing(judged: readonly ParameterCount[], limit: number): number {
  const missing = judged.reduce((sum, { zeros, total }) => sum + prunedCount(total, limit) - zeros, 0);
  return Math.max(0, missing);
}
