import { requireSparsity } from "../require-sparsity.js";
import type { Pattern } from "./pattern.js";
import type { PatternSyntax } from "./pattern-syntax.js";
import { tilePattern } from "./tile-pattern.js";

/**
 * Whole in-features: of the `groups · inFeatures` columns (each group of out channels has inputs of its own) the
 * `prunedCount(groups · inFeatures, sparsity)` with the smallest sum of importance go. An in-feature of a convolution is
 * one kernel position of one input channel. Needs certain axes.
 *
 * @throws {CoreError} `invalid-sparsity`
 */
export function columns(sparsity: number): Pattern {
  return tilePattern({
    spec: "columns",
    sparsity: requireSparsity(sparsity),
    noun: "column",
    height: (view) => view.outChannels / view.groups,
    width: () => 1,
    balanced: false,
    withSparsity: columns,
  });
}

/** `columns`, with a sparsity. */
export const columnsSyntax: PatternSyntax = {
  form: "columns",
  expression: /^columns$/,
  fixesSparsity: false,
  takesGroup: false,
  build: (_, sparsity) => columns(sparsity),
};
