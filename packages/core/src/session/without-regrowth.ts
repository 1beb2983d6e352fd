import type { Criterion } from "../criteria/criterion.js";
import type { Mask } from "../mask/mask.js";

/** The smallest positive f32. */
const SMALLEST = 2 ** -149;

/**
 * A criterion that never lets a pruned entry back: what a mask prunes gets importance 0, everything else more than that.
 * The entries at 0 are then exactly the pruned ones, so every larger count takes all of them first.
 */
export function withoutRegrowth(criterion: Criterion, masks: ReadonlyMap<string, Mask>): Criterion {
  return {
    ...criterion,
    score(view, values, statistics) {
      const importance = criterion.score(view, values, statistics);
      const mask = masks.get(view.name);
      if (!mask) return importance;
      return importance.map((score, index) => (mask.keeps(index) ? score || SMALLEST : 0));
    },
  };
}
