import { parseMethod } from "./parse-method.js";
import { isSamePruning } from "./plan-cells.js";
import type { KeyedCell, SweepTask } from "./sweep-task.js";

/** Cells by the pruned model that they take; those that recover first, because they take longest and workers then end together. */
export function tasksOf(cells: readonly KeyedCell[]): readonly SweepTask[] {
  const tasks: KeyedCell[][] = [];
  for (const one of cells) {
    const task = tasks.find(([first]) => isSamePruning(first!.cell, one.cell));
    if (task) task.push(one);
    else tasks.push([one]);
  }
  const runsSamples = ([first]: SweepTask): boolean => parseMethod(first!.cell.criterion).needs === "samples";
  return [...tasks.filter(runsSamples), ...tasks.filter((task) => !runsSamples(task))];
}
