import type { MaskRequest } from "./compute-masks.js";
import { resolvePattern } from "./resolve-pattern.js";
import type { WeightView } from "./weight-view.js";

/**
 * Why `computeMasks` would refuse a weight; undefined where it would not. Reads no values: what they hold is checked when
 * they are scored.
 */
export function refusalReason(view: WeightView, request: MaskRequest): string | undefined {
  const { criterion, pattern, statistics } = request;
  const shape = resolvePattern(pattern, criterion).eligibility(view);
  if (shape !== undefined || !criterion.needsStatistics) return shape;
  if (view.axisConflict !== undefined) {
    return `${criterion.name} needs to know its input features: ${view.axisConflict}`;
  }
  return statistics?.has(view.name) ? undefined : `${criterion.name} needs statistics and there are none for it`;
}
