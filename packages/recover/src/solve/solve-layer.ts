import type { MatrixProducts } from "../blas/matrix-products.js";
import { checkTask, requireFinite } from "./check-task.js";
import { type ChosenMask, chooseMask } from "./choose-mask.js";
import { forEachEntryOfGroup, type GroupLayout, groupLayout } from "./group-layout.js";
import type { FactoredGroup } from "./group-problem.js";
import { patternOf } from "./layer-pattern.js";
import type { LayerSolution, LayerTask } from "./layer-task.js";
import { layerWarnings } from "./layer-warnings.js";
import { keptOfGroup } from "./mask-bits.js";
import { errorMeasure, meanChange, outputError } from "./output-error.js";
import { DEFAULT_DAMPING, prepareGroup } from "./prepare-group.js";
import { type PreparedGroup, solveGroups } from "./solve-groups.js";

/**
 * Prunes one weight and makes up for it: chooses what goes where no mask is given, then changes the weights that stay as the
 * task's method says. Pure; the same task gives the same bits.
 *
 * Groups of a grouped weight are solved each on its own, but their zeros are counted together.
 *
 * @throws {RecoverError} `shape-mismatch`, `not-finite`, `no-samples`, `unsupported`, `mask-misfit`, `singular`
 * @see Frantar and Alistarh 2023, arXiv:2301.00774
 */
export async function solveLayer(task: LayerTask, products: MatrixProducts): Promise<LayerSolution> {
  checkTask(task);
  const pattern = patternOf(task);
  const layout = groupLayout(task);
  const problems: FactoredGroup[] = [];
  for (let group = 0; group < task.groups; group++) problems.push(await prepareGroup(task, layout, group, products));
  const { mask, starts }: ChosenMask = task.mask
    ? { mask: task.mask, starts: problems.map(({ values }) => values) }
    : await chooseMask(task, layout, problems, pattern, products);
  const groups = problems.map((problem, group) => ({
    problem,
    keep: keptOfGroup(layout, group, mask, problem.frozen),
    start: starts[group]!,
  }));
  const { values: solved, ...how } = await solveGroups(task, groups, products);
  const values = toBuffer(task, layout, groups, solved);
  const biasChange = biasChangeOf(task, groups, solved);
  requireFinite(task.weight, "its compensated values", values);
  requireFinite(task.weight, "its bias changes", biasChange);
  const errors = await errorsOf(groups, solved, biasChange, products);
  return {
    mask,
    values,
    biasChange,
    report: {
      ...how,
      ...errors,
      damping: Math.max(...problems.map(({ damped }) => damped.damping)),
      deadInputs: problems.reduce((sum, { deadInputs }) => sum + deadInputs, 0),
      warnings: layerWarnings(problems, task.damping ?? DEFAULT_DAMPING),
    },
  };
}

function toBuffer(
  { values }: LayerTask,
  layout: GroupLayout,
  groups: readonly PreparedGroup[],
  solved: readonly Float64Array[],
): Float32Array | Float64Array {
  const buffer = values instanceof Float64Array ? new Float64Array(values.length) : new Float32Array(values.length);
  for (const [group, { keep }] of groups.entries()) {
    const matrix = solved[group]!;
    // Pruned entries are not written, so that they are +0 whatever the sign of their zero.
    forEachEntryOfGroup(layout, group, (index, at) => {
      if (keep[at] === 1) buffer[index] = matrix[at]!;
    });
  }
  return buffer;
}

function biasChangeOf(
  { method, intercept, outChannels }: LayerTask,
  groups: readonly PreparedGroup[],
  solved: readonly Float64Array[],
): Float64Array {
  const change = new Float64Array(outChannels);
  if (!intercept || method === "none") return change;
  for (const [group, { problem }] of groups.entries()) {
    change.set(meanChange(problem, solved[group]!), group * problem.outputs);
  }
  return change;
}

async function errorsOf(
  groups: readonly PreparedGroup[],
  solved: readonly Float64Array[],
  biasChange: Float64Array,
  products: MatrixProducts,
): Promise<{ readonly errorBefore: number; readonly errorAfter: number }> {
  let before = 0;
  let after = 0;
  let energy = 0;
  for (const [group, { problem, keep }] of groups.entries()) {
    const { values, outputs } = problem;
    const measure = await errorMeasure(problem, products);
    const masked = values.map((value, at) => (keep[at] === 1 ? value : 0));
    const bias = biasChange.subarray(group * outputs, (group + 1) * outputs);
    const uncorrected = await outputError(measure, masked, new Float64Array(outputs), products);
    before += uncorrected.error;
    after += (await outputError(measure, solved[group]!, bias, products)).error;
    energy += uncorrected.energy;
  }
  // A layer whose target never varies has no relative error; what is left is reported as it is.
  const scale = energy > 0 ? energy : 1;
  return { errorBefore: before / scale, errorAfter: after / scale };
}
