import { CoreError } from "./errors.js";
import { entryCount } from "./layout/entry-count.js";
import { Mask } from "./mask/mask.js";
import type { Pattern, Violation } from "./patterns/pattern.js";
import type { WeightView } from "./weight-view.js";

/** The verdict of {@link conforms}. */
export type Conformance = { readonly ok: true } | ({ readonly ok: false } & Violation);

/**
 * Whether a weight has the zeros that a pattern promises, at the pattern's sparsity.
 *
 * @param kept a mask, or the weight's values in buffer order: what is not zero counts as kept. Values may have more zeros
 *   than the pattern put there; a mask of whole blocks, rows or columns may not have pieces of one
 * @param pattern with its group, if it was pruned with one: see `resolvePattern`
 * @returns ok, or the first violation: out channel, in-feature and kernel position where they apply, and a message that
 *   names them. A weight that cannot take the pattern at all does not conform, and the message is the reason
 * @throws {CoreError} `shape-mismatch` when `kept` has not as many entries as the view
 */
export function conforms(kept: Mask | ArrayLike<number>, view: WeightView, pattern: Pattern): Conformance {
  if (kept.length !== entryCount(view)) {
    throw new CoreError(
      "shape-mismatch",
      `${kept.length} entries to judge, weight "${view.name}" has ${entryCount(view)}`,
      { weight: view.name },
    );
  }
  const violation =
    kept instanceof Mask
      ? pattern.violation(view, kept, "mask")
      : pattern.violation(view, Mask.ofNonZeros(kept), "values");
  return violation === undefined ? { ok: true } : { ok: false, ...violation };
}
