import { requireSparsity } from "../require-sparsity.js";
import type { Pattern } from "./pattern.js";
import type { PatternSyntax } from "./pattern-syntax.js";
import { tilePattern } from "./tile-pattern.js";

/**
 * Whole out channels: the `prunedCount(outChannels, sparsity)` with the smallest sum of importance go. Needs certain axes.
 *
 * @throws {CoreError} `invalid-sparsity`
 */
export function rows(sparsity: number): Pattern {
  return tilePattern({
    spec: "rows",
    sparsity: requireSparsity(sparsity),
    noun: "row",
    height: () => 1,
    width: (view) => view.inFeatures,
    balanced: false,
    withSparsity: rows,
  });
}

/** `rows`, with a sparsity. */
export const rowsSyntax: PatternSyntax = {
  form: "rows",
  expression: /^rows$/,
  fixesSparsity: false,
  takesGroup: false,
  build: (_, sparsity) => rows(sparsity),
};
