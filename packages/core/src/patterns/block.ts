import { requireSparsity } from "../require-sparsity.js";
import type { Pattern } from "./pattern.js";
import type { PatternSyntax } from "./pattern-syntax.js";
import { requireBlockSize } from "./require-block-size.js";
import { tilePattern } from "./tile-pattern.js";

/**
 * Blocks of `rows` out channels × `columns` in-features: of all blocks of the weight, the `prunedCount(blocks, sparsity)`
 * with the smallest sum of importance go. Where the matrix (or a group of out channels) ends, blocks are smaller; they
 * count and compete like the others and are reported as ragged, so the fraction of zero entries may differ from that of
 * zero blocks. Needs certain axes.
 *
 * @throws {CoreError} `invalid-pattern`; `invalid-sparsity`
 */
export function block(rows: number, columns: number, sparsity: number): Pattern {
  const spec = `block:${rows}x${columns}`;
  requireBlockSize(spec, rows, columns);
  return tilePattern({
    spec,
    sparsity: requireSparsity(sparsity),
    noun: "block",
    height: () => rows,
    width: () => columns,
    balanced: false,
    withSparsity: (other) => block(rows, columns, other),
  });
}

/** `block:RxC`, with a sparsity. */
export const blockSyntax: PatternSyntax = {
  form: "block:RxC",
  expression: /^block:(\d+)x(\d+)$/,
  fixesSparsity: false,
  takesGroup: false,
  build: ([rows, columns], sparsity) => block(rows!, columns!, sparsity),
};
