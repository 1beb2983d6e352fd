import { isCoreError, type Pattern, type PruningStep, parsePattern } from "@espalier/core";
import type { VerifyContext } from "../verify-context.js";

/**
 * The pattern that a weight must have: the one that options name, or else that of the last step that names the weight;
 * undefined where neither does, or this version knows no such pattern.
 */
export function demandedPattern({ options, steps }: VerifyContext, weight: string): Pattern | undefined {
  const step = steps.findLast(({ weights }) => weights.includes(weight));
  if (options.pattern !== undefined) return asRecorded(options.pattern, step, weight);
  return step && recordedPattern(step, weight);
}

/** The sparsity that a step of a record asked for in a weight. */
function recordedSparsity({ sparsity, sparsities }: PruningStep, weight: string): number {
  return sparsities?.[weight] ?? sparsity;
}

/**
 * The pattern that a step of a record tells of for a weight, comparison group included; undefined where this version knows no
 * such pattern.
 */
export function recordedPattern(step: PruningStep, weight: string): Pattern | undefined {
  const { pattern, group } = step;
  try {
    return parsePattern(pattern, recordedSparsity(step, weight), group);
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
 * A pattern as a step of the same pattern carried it out in a weight: with the comparison group, where it leaves its group open
 * (rows, layers and whole models round their counts differently), and with the weight's own sparsity, where an allocation
 * divided the pattern's, or a larger one.
 */
function asRecorded(pattern: Pattern, step: PruningStep | undefined, weight: string): Pattern {
  if (step === undefined || step.pattern !== pattern.spec) return pattern;
  const isAllocated = step.sparsities !== undefined && step.sparsity >= pattern.sparsity;
  const allocated = isAllocated ? (pattern.withSparsity?.(recordedSparsity(step, weight)) ?? pattern) : pattern;
  if (allocated.group !== undefined || step.group === undefined) return allocated;
  return allocated.withGroup?.(step.group) ?? allocated;
}
