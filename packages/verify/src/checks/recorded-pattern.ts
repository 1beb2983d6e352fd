import { isCoreError, type Pattern, type PruningStep, parsePattern } from "@espalier/core";

/**
 * The pattern that a step of a record tells of, comparison group included; undefined where this version knows no such
 * pattern.
 */
export function recordedPattern({ pattern, sparsity, group }: PruningStep): Pattern | undefined {
  try {
    return parsePattern(pattern, sparsity, group);
  } catch (error) {
    if (!isCoreError(error)) throw error;
    return fixedPattern(pattern);
  }
}

/** N:M patterns fix their sparsity and refuse one that comes beside them. */
function fixedPattern(spec: string): Pattern | undefined {
  try {
    return parsePattern(spec);
  } catch (error) {
    if (!isCoreError(error)) throw error;
    return undefined;
  }
}

/**
 * A pattern with the comparison group that a step of the same pattern was pruned with, where it leaves its group open:
 * rows, layers and whole models round their counts differently.
 */
export function withRecordedGroup(pattern: Pattern, step: PruningStep | undefined): Pattern {
  if (pattern.group !== undefined || step?.group === undefined || step.pattern !== pattern.spec) return pattern;
  return pattern.withGroup?.(step.group) ?? pattern;
}
