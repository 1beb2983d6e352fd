import { CoreError } from "../errors.js";
import { prunedCount } from "../pruned-count.js";
import { requireSparsity } from "../require-sparsity.js";
import type { AllocatableWeight, AllocationEvidence, AllocationStrategy, Share } from "./allocation.js";
import { wholeSteps } from "./whole-steps.js";

/** Above this a layer is little more than a bias: one weight would pay for all the others. */
const DEFAULT_MAX_SPARSITY = 0.98;

/** How much is to go in all, and how it is divided. */
export interface AllocationRequest {
  readonly strategy: AllocationStrategy;
  /** Fraction of zeros over all weights together, in [0, 1). */
  readonly sparsity: number;
  /** What the strategy decides by. @default none, which only `uniform` can do with */
  readonly evidence?: AllocationEvidence;
  /** The largest sparsity of any weight, in (0, 1). @default 0.98 */
  readonly maxSparsity?: number;
}

/**
 * Divides a sparsity among weights: how sparse each is to be so that all together have the target's zeros.
 *
 * The zeros add up to `prunedCount(Σ total, sparsity)`, exactly where steps allow it: always when some weight of step 1 has
 * room, and otherwise within half the smallest step as long as weights of that step have room; never above by more than one
 * step. With costs the same holds for the cost of the zeros.
 *
 * @param weights of different names
 * @returns for each weight a fraction in [0, maxSparsity], in their order, of which its pattern makes exactly the allotted
 *   zeros: `pattern.withSparsity(fraction)`
 * @throws {CoreError} `invalid-sparsity` on a target outside [0, 1) or above `maxSparsity`; `invalid-argument` on a weight
 *   whose steps do not fill it, on evidence that is missing or makes no sense; `duplicate-weight`; what strategies throw
 */
export function allocateSparsity(
  weights: readonly AllocatableWeight[],
  request: AllocationRequest,
): Map<string, number> {
  const { strategy, evidence = {}, maxSparsity = DEFAULT_MAX_SPARSITY } = request;
  const sparsity = requireSparsity(request.sparsity);
  requireLimit(sparsity, maxSparsity);
  const shares = sharesOf(weights, maxSparsity);
  if (strategy.needs !== undefined && evidence[strategy.needs] === undefined) {
    throw new CoreError("invalid-argument", `the allocation ${strategy.name} needs ${strategy.needs}: give it`);
  }
  const size = shares.reduce((sum, share) => sum + share.size, 0);
  const amount = Number.isSafeInteger(size) ? prunedCount(size, sparsity) : size * sparsity;
  const amounts = strategy.amounts(shares, { sparsity, amount }, evidence);
  const steps = wholeSteps(shares, amounts, amount);
  // Within an ulp of the quotient, which prunedCount rounds back to the very same steps.
  return new Map(shares.map(({ name, steps: all }, index) => [name, steps[index]! / all]));
}

function requireLimit(sparsity: number, maxSparsity: number): void {
  if (!(maxSparsity > 0 && maxSparsity < 1)) {
    const message = `the largest sparsity of a weight is ${maxSparsity}, expected a fraction in (0, 1)`;
    throw new CoreError("invalid-sparsity", message);
  }
  if (sparsity <= maxSparsity) return;
  const message = `the sparsity over all weights is ${sparsity}, but none may be above ${maxSparsity}: raise that limit`;
  throw new CoreError("invalid-sparsity", message);
}

function sharesOf(weights: readonly AllocatableWeight[], maxSparsity: number): Share[] {
  const names = new Set<string>();
  return weights.map((weight) => {
    const { name, total, step, cost = 1 } = weight;
    if (names.has(name)) {
      throw new CoreError("duplicate-weight", `two weights are named "${name}"`, { weight: name });
    }
    names.add(name);
    const steps = requireSteps(weight);
    if (!(cost > 0 && cost < Number.POSITIVE_INFINITY)) {
      const message = `an entry of weight "${name}" costs ${cost}, expected a number above 0`;
      throw new CoreError("invalid-argument", message, { weight: name });
    }
    // 0.29 of 100 steps are 29, and 28.999999999999996 in doubles.
    const mostSteps = Math.min(Math.floor(steps * maxSparsity + 1e-9), steps - 1);
    return { name, total, size: total * cost, step: step * cost, steps, mostSteps };
  });
}

function requireSteps({ name, total, step }: AllocatableWeight): number {
  const steps = Math.round(total / step);
  // A step may be the mean of blocks that are not all of one size, and their number is whole up to rounding.
  if (Number.isSafeInteger(total) && total > 0 && step > 0 && Math.abs(total / step - steps) <= 1e-9 * steps) {
    return steps;
  }
  const message = `weight "${name}" has ${total} entries in steps of ${step}, expected a whole number of steps`;
  throw new CoreError("invalid-argument", message, { weight: name });
}
