import type { Pattern } from "@espalier/core";
import type { MatrixProducts } from "../blas/matrix-products.js";
import { chooseNOfM, chooseUnstructured } from "./choose-columns.js";
import { eliminateBlocks } from "./eliminate-blocks.js";
import type { Eliminated } from "./eliminate-columns.js";
import { forEachEntryOfGroup, type GroupLayout, kernelSize } from "./group-layout.js";
import type { FactoredGroup } from "./group-problem.js";
import { choiceOf, viewOfTask } from "./layer-pattern.js";
import type { LayerTask, MaskBits } from "./layer-task.js";
import { maskOfGroups } from "./mask-bits.js";
import { tileImportance } from "./tile-importance.js";

/** A mask, and weights from which to go on. */
export interface ChosenMask {
  readonly mask: MaskBits;
  /** Of each group, f64, row-major `[outputs, features]`; what they hold outside of the mask means nothing. */
  readonly starts: readonly Float64Array[];
}

/** Chooses the zeros of a weight by what removing them costs when the rest makes up for it. */
export async function chooseMask(
  task: LayerTask,
  layout: GroupLayout,
  groups: readonly FactoredGroup[],
  pattern: Pattern,
  products: MatrixProducts,
): Promise<ChosenMask> {
  const choice = choiceOf(task);
  if (choice.kind === "tiles") {
    const mask = await tileMask(task, layout, groups, pattern, choice.width, products);
    return { mask, starts: groups.map(({ unpruned }) => unpruned) };
  }
  const eliminated: Eliminated[] = [];
  if (choice.kind === "n-of-m") {
    eliminated.push(...(await chooseNOfM(groups, pattern, choice.m, kernelSize(task.axes), products)));
  } else if (choice.kind === "unstructured") {
    eliminated.push(...(await chooseUnstructured(groups, pattern.sparsity, pattern.group ?? "layer", products)));
  } else {
    const blocks = { ...choice, sparsity: pattern.sparsity };
    for (const group of groups) eliminated.push(await eliminateBlocks(group, blocks, products));
  }
  return {
    mask: maskOfGroups(
      layout,
      eliminated.map(({ pruned }) => pruned),
    ),
    starts: eliminated.map(({ values }) => values),
  };
}

async function tileMask(
  task: LayerTask,
  layout: GroupLayout,
  groups: readonly FactoredGroup[],
  pattern: Pattern,
  width: number,
  products: MatrixProducts,
): Promise<MaskBits> {
  const costs = [];
  for (const group of groups) costs.push(await tileImportance(group, width, products));
  // Patterns rank in float32, costs may have any scale.
  const largest = costs.reduce((most, matrix) => matrix.reduce((a, b) => Math.max(a, b), most), 0);
  const importance = new Float32Array(task.values.length);
  for (const [group, matrix] of costs.entries()) {
    forEachEntryOfGroup(layout, group, (index, at) => {
      importance[index] = largest > 0 ? matrix[at]! / largest : 0;
    });
  }
  return pattern.select([viewOfTask(task)], () => importance)[0]!.mask;
}
