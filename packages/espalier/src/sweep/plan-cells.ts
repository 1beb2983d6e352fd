import { fixesSparsity, type Pattern, parsePattern } from "@espalier/core";
import { EspalierError } from "../errors.js";
import type { SweepCell } from "./sweep-result.js";

/** What a sweep combines. */
export interface Grid {
  readonly criteria: readonly string[];
  readonly patterns: readonly string[];
  readonly sparsities: readonly number[];
  readonly formats: readonly string[];
}

/**
 * The cells of one model, each once: criterion by criterion, then pattern, sparsity, format. N:M fixes its own sparsity, so it
 * makes one cell whatever the sparsities.
 *
 * @throws {EspalierError} `usage` where a list is empty
 * @throws {CoreError} `invalid-pattern`, `invalid-sparsity`
 */
export function planCells(model: string, { criteria, patterns, sparsities, formats }: Grid): readonly SweepCell[] {
  for (const [name, list] of Object.entries({ criteria, patterns, formats })) requireSome(name, list);
  if (patterns.some((text) => !fixesSparsity(text))) requireSome("sparsities", sparsities);
  const shapes = once(patterns).flatMap((pattern) => {
    const fixed = fixesSparsity(pattern) ? [parsePattern(pattern).sparsity] : once(sparsities);
    return fixed.map((sparsity) => ({ pattern, sparsity }));
  });
  for (const shape of shapes) patternOf(shape);
  return once(criteria).flatMap((criterion) =>
    shapes.flatMap((shape) => once(formats).map((format) => ({ model, criterion, ...shape, format }))),
  );
}

/** The pattern of a cell, with its sparsity. @throws {CoreError} `invalid-pattern`, `invalid-sparsity` */
export function patternOf({ pattern, sparsity }: Pick<SweepCell, "pattern" | "sparsity">): Pattern {
  return parsePattern(pattern, fixesSparsity(pattern) ? undefined : sparsity);
}

/** Whether two cells take the same pruned model and differ only in how it is stored. */
export function isSamePruning(a: SweepCell, b: SweepCell): boolean {
  return (["model", "criterion", "pattern", "sparsity"] as const).every((key) => a[key] === b[key]);
}

function requireSome(name: string, list: readonly unknown[]): void {
  if (list.length === 0) throw new EspalierError("usage", `there are no ${name}: give at least one`);
}

function once<T>(list: readonly T[]): readonly T[] {
  return [...new Set(list)];
}
