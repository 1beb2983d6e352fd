import { prunedCount } from "@espalier/core";
import type { SparsityFigures } from "../check.js";
import type { WeightPair } from "../weight-pairs.js";
import { countZeros, measureSparsity } from "../zero-count.js";
import { type CheckDefinition, counted } from "./check-definition.js";

/** The pruned weights have at least the asked-for fraction of zeros, rounded to whole entries in each weight. */
export const sparsity: CheckDefinition = {
  name: "sparsity",
  run({ options, judgedWeights }) {
    const names = new Set(judgedWeights.map(({ name }) => name));
    const figures: SparsityFigures = {
      kind: "sparsity",
      ...measureSparsity(options.pruned, (name) => names.has(name)),
    };
    const measured = figures.ofPruned;
    const limit = options.minSparsity;
    const found = describe(figures, names.size);
    if (limit === undefined) {
      return { status: "skipped", measured, limit: null, figures, message: `${found}; no least sparsity was given` };
    }
    if (names.size === 0) {
      return { status: "failed", measured, limit, figures, message: `no weight was pruned, expected ${limit} zeros` };
    }
    const missing = zerosMissing(judgedWeights, limit);
    if (missing === 0) return { status: "passed", measured, limit, figures, message: found };
    const densest = `least in weight "${leastSparse(judgedWeights)}"`;
    return { status: "failed", measured, limit, figures, message: `${found}; ${missing} zeros too few, ${densest}` };
  },
};

function describe({ ofPruned, ofPrunable, ofAll }: SparsityFigures, weights: number): string {
  const [pruned, prunable, all] = [ofPruned, ofPrunable, ofAll].map((fraction) => fraction.toFixed(4));
  return `zeros: ${pruned} of ${counted(weights, "pruned weight")}, ${prunable} of all prunable weights, ${all} of all parameters`;
}

/** Pruners round to whole entries; half an entry of each weight must not fail what was asked for and done. */
function zerosMissing(weights: readonly WeightPair[], limit: number): number {
  let missing = 0;
  for (const { pruned } of weights) {
    const { zeros, total } = countZeros(pruned);
    missing += prunedCount(total, limit) - zeros;
  }
  return Math.max(0, missing);
}

function leastSparse(weights: readonly WeightPair[]): string {
  const fractions = weights.map(({ name, pruned }) => {
    const { zeros, total } = countZeros(pruned);
    return { name, fraction: zeros / total };
  });
  return fractions.reduce((least, each) => (each.fraction < least.fraction ? each : least)).name;
}
