import { CoreError } from "../errors.js";
import { entryCount } from "../layout/entry-count.js";
import type { Pattern } from "../patterns/pattern.js";
import type { WeightView } from "../weight-view.js";
import { type AllocationRequest, allocateSparsity } from "./allocate-sparsity.js";
import { sparsityStep } from "./sparsity-step.js";

/** {@link AllocationRequest} for weights that are pruned in one pattern, whose sparsity is the target. */
export interface PatternAllocationRequest extends Omit<AllocationRequest, "sparsity"> {
  /** Resolved: see `resolvePattern`. */
  readonly pattern: Pattern;
  /** What one pruned entry of a weight saves. @default 1 */
  readonly costOf?: (view: WeightView) => number;
}

/**
 * The pattern of each weight, at the sparsity that an allocation gives it. A pattern that fixes its sparsity (N:M) stays as it
 * is under `uniform`.
 *
 * @param views weights of different names
 * @returns in their order; masks are then computed one weight at a time, each with its pattern
 * @throws {CoreError} what {@link allocateSparsity} and `sparsityStep` throw: `invalid-sparsity` on N:M with any allocation but
 *   uniform
 */
export function allocatePattern(views: readonly WeightView[], request: PatternAllocationRequest): Map<string, Pattern> {
  const { pattern, strategy, costOf } = request;
  if (pattern.withSparsity === undefined) return fixedPattern(views, request);
  const weights = views.map((view) => {
    const step = sparsityStep(view, pattern);
    return { name: view.name, total: entryCount(view), step, ...(costOf && { cost: costOf(view) }) };
  });
  const sparsities = allocateSparsity(weights, { ...request, strategy, sparsity: pattern.sparsity });
  return new Map(Array.from(sparsities, ([name, sparsity]) => [name, pattern.withSparsity!(sparsity)]));
}

function fixedPattern(
  views: readonly WeightView[],
  { pattern, strategy }: PatternAllocationRequest,
): Map<string, Pattern> {
  if (strategy.name === "uniform") return new Map(views.map(({ name }) => [name, pattern]));
  throw new CoreError(
    "invalid-sparsity",
    `the pattern ${pattern.spec} fixes its sparsity (${pattern.sparsity}) for every weight, so the allocation ${strategy.name} ` +
      "has nothing to divide: leave it out, or choose a pattern that takes a sparsity",
  );
}
