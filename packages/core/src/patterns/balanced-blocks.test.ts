import { balancedBlocks, computeMasks, denseMatrix, l1, Mask, type WeightView } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";
import { matMul, viewOf } from "../../test-support/views.js";

function blocksOf(view: WeightView, bk: number, bn: number, sparsity: number) {
  return computeMasks([view], { criterion: l1(), pattern: balancedBlocks(bk, bn, sparsity) }).get(view.name)!;
}

describe("balancedBlocks", () => {
  it("keeps the same number of blocks in every block-column, where a ranking of all would not", () => {
    // Outputs 0–1 are all below outputs 2–3; each pair loses one of its two blocks of two inputs.
    const values = [1, 1, 2, 2, 1, 1, 2, 2, 8, 8, 7, 7, 8, 8, 7, 7];
    const kept = [0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0];
    expect(blocksOf(denseMatrix("w", Float32Array.from(values), 4, 4), 2, 2, 0.5)).toEqual({
      mask: Mask.from(kept),
      raggedBlocks: 0,
    });
  });

  it("writes inputs first: blocks:1x2 is one input and two outputs", () => {
    // [K, N] = [2, 2]: inputs are the buffer's rows, and the first has the smaller sum.
    const view = viewOf("w", matMul(2, 2), [1, 4, 3, 3]);
    expect(balancedBlocks(1, 2, 0.5).spec).toBe("blocks:1x2");
    expect(blocksOf(view, 1, 2, 0.5).mask).toEqual(Mask.from([0, 0, 1, 1]));
  });

  it("counts blocks at the edges like the others and reports them", () => {
    // 3 outputs in columns of 2 and 1, 5 inputs in blocks of 2, 2, 1: at a third, each column loses its one-input block.
    const result = blocksOf(denseMatrix("w", new Float32Array(15).fill(1), 3, 5), 2, 2, 0.34);
    expect(result.raggedBlocks).toBe(4);
    expect(result.mask).toEqual(Mask.from([1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0]));
  });

  it("refuses a side that is no integer from 1", () => {
    expect(coreErrorOf(() => balancedBlocks(32, 0, 0.5)).code).toBe("invalid-pattern");
  });
});
