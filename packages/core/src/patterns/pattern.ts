import type { ComparisonGroup } from "../comparison-group.js";
import type { EntryLocation } from "../layout/locate.js";
import type { Mask } from "../mask/mask.js";
import type { WeightMask } from "../mask/weight-mask.js";
import type { WeightView } from "../weight-view.js";

/**
 * The shape that zeros must have, with the fraction of them. To add one: a file in this folder with the pattern and its
 * syntax, a line in `parse-pattern.ts`, a case in `test-support/pattern-cases.ts` for the contract suite, and its export.
 */
export interface Pattern {
  /** As the command line writes it: `unstructured`, `2:4`, `block:16x4`, `blocks:32x256`, `rows`, `columns`. */
  readonly spec: string;
  /** Fraction of zeros in [0, 1) that it asks for. */
  readonly sparsity: number;
  /** Which entries are ranked together; absent where the pattern leaves it to the criterion, or has no such choice. */
  readonly group?: ComparisonGroup;

  /** Why a weight cannot take the pattern; undefined where it can. Reads no values. */
  eligibility(view: WeightView): string | undefined;

  /**
   * Chooses what goes, in the order of `views`.
   *
   * @param views weights that are pruned together, all eligible
   * @param importanceOf reads and scores a weight each time it is called, f32 in buffer order. An array is valid until the
   *   next call, so that one is in memory at a time
   */
  select(views: readonly WeightView[], importanceOf: (view: WeightView) => Float32Array): readonly WeightMask[];

  /**
   * The first place where a weight breaks the pattern.
   *
   * @param zeros the mask that keeps what is not zero
   * @param evidence `mask` where it was made as a mask; `values` where it was read off values, which may hold zeros that no
   *   pattern put there
   */
  violation(view: WeightView, zeros: Mask, evidence: Evidence): Violation | undefined;

  /** The same pattern at another sparsity; absent where the pattern fixes its own. */
  withSparsity?(sparsity: number): Pattern;

  /** The same pattern with a comparison group; absent where it has no such choice. */
  withGroup?(group: ComparisonGroup): Pattern;
}

/** Where the zeros that a pattern is judged by come from. */
export type Evidence = "mask" | "values";

/** How a weight breaks a pattern; the location is that of the first entry concerned, as far as there is one. */
export interface Violation extends Partial<EntryLocation> {
  /** One sentence that names the place, what was found and what the pattern allows. */
  readonly message: string;
}
