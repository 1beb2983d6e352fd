import { isCoreError, type Pattern, prunedCount, sparsityStep, type WeightView } from "@espalier/core";
import { fractionOfZeros, type ParameterCount, parameterCounts } from "@espalier/onnx";
import type { SparsityFigures } from "../check.js";
import type { VerifyContext } from "../verify-context.js";
import { type CheckDefinition, counted } from "./check-definition.js";
import { demandedPattern } from "./recorded-pattern.js";

/** The pruned weights together have at least the asked-for fraction of zeros, rounded as the pattern rounds. */
export const sparsity: CheckDefinition = {
  name: "sparsity",
  run(context) {
    const { options, reading, judgedWeights } = context;
    const names = new Set(judgedWeights.map(({ name }) => name));
    const all = [...parameterCounts(reading.model)];
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
    const missing = zerosMissing(judged, limit, roundingOf(context));
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

/**
 * Pruners round to whole entries, in each weight or, where they divide a sparsity among weights, over all of them: that must not
 * fail what was asked for and done.
 *
 * @param rounding zeros that may be missing because patterns take whole rows or blocks
 */
function zerosMissing(judged: readonly ParameterCount[], limit: number, rounding: number): number {
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  const zeros = sum(judged.map((count) => count.zeros));
  const inEach = sum(judged.map(({ total }) => prunedCount(total, limit)));
  const inAll = prunedCount(sum(judged.map(({ total }) => total)), limit);
  return Math.max(0, Math.min(inEach, inAll) - rounding - zeros);
}

/** Half a step of every weight, which is what rounding to whole steps leaves; whether steps are whole the check `pattern` tells. */
function roundingOf(context: VerifyContext): number {
  return context.judgedWeights.reduce((sum, { name, pruned }) => {
    const pattern = demandedPattern(context, name);
    return sum + (pattern === undefined ? 0 : Math.floor(stepOf(pruned, pattern) / 2));
  }, 0);
}

/** The entries that go together; 1 where the pattern does not say, or fixes its sparsity. */
function stepOf(view: WeightView, pattern: Pattern): number {
  try {
    return sparsityStep(view, pattern);
  } catch (error) {
    if (isCoreError(error)) return 1;
    throw error;
  }
}
