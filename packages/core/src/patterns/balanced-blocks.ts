import { requireSparsity } from "../require-sparsity.js";
import type { Pattern } from "./pattern.js";
import type { PatternSyntax } from "./pattern-syntax.js";
import { requireBlockSize } from "./require-block-size.js";
import { tilePattern } from "./tile-pattern.js";

/**
 * Balanced blocks, which can be lowered to smaller dense products: outputs are cut into block-columns of `bn`, the inputs
 * of each into blocks of `bk`, and every block-column loses the `prunedCount(⌈inFeatures / bk⌉, sparsity)` blocks with the
 * smallest sum of importance, so that all keep the same number. The last block-column of a group may have fewer outputs,
 * the last block of a block-column fewer inputs; those blocks count and compete like the others and are reported as
 * ragged. Needs certain axes.
 *
 * @param bk in-features of a block
 * @param bn out channels of a block
 * @throws {CoreError} `invalid-pattern`; `invalid-sparsity`
 */
export function balancedBlocks(bk: number, bn: number, sparsity: number): Pattern {
  const spec = `blocks:${bk}x${bn}`;
  requireBlockSize(spec, bk, bn);
  return tilePattern({
    spec,
    sparsity: requireSparsity(sparsity),
    noun: "block",
    height: () => bn,
    width: () => bk,
    balanced: true,
    withSparsity: (other) => balancedBlocks(bk, bn, other),
  });
}

/** `blocks:BKxBN`, with a sparsity. */
export const balancedBlocksSyntax: PatternSyntax = {
  form: "blocks:BKxBN",
  expression: /^blocks:(\d+)x(\d+)$/,
  fixesSparsity: false,
  takesGroup: false,
  build: ([bk, bn], sparsity) => balancedBlocks(bk!, bn!, sparsity),
};
