import { block, computeMasks, denseMatrix, l1, Mask, type WeightView } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";
import { matMul, viewOf } from "../../test-support/views.js";

function blocksOf(view: WeightView, rows: number, columns: number, sparsity: number) {
  return computeMasks([view], { criterion: l1(), pattern: block(rows, columns, sparsity) }).get(view.name)!;
}

describe("block", () => {
  it("prunes the tiles with the smallest sums, rows being out channels", () => {
    // Tiles of 2×2 sum to 10, 8, 6, 12; the smallest single entries lie in the first.
    const values = [1, 1, 2, 2, 4, 4, 2, 2, 1, 2, 3, 3, 1, 2, 3, 3];
    const kept = [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1];
    expect(blocksOf(denseMatrix("w", Float32Array.from(values), 4, 4), 2, 2, 0.5)).toEqual({
      mask: Mask.from(kept),
      raggedBlocks: 0,
    });
  });

  it("sees the same matrix in a MatMul weight [K, N]: block:1x2 is one output and two inputs", () => {
    // Outputs are the buffer's columns: 1 + 1, 5 + 5, 2 + 2. Two neighbours in the buffer would be 1 + 5.
    const view = viewOf("w", matMul(2, 3), [1, 5, 2, 1, 5, 2]);
    expect(blocksOf(view, 1, 2, 0.34).mask).toEqual(Mask.from([0, 1, 1, 0, 1, 1]));
  });

  it("prunes the tile with the lower out channel, then the lower in-feature, among equals", () => {
    const view = denseMatrix("w", new Float32Array(8).fill(1), 2, 4);
    expect(blocksOf(view, 1, 2, 0.75).mask).toEqual(Mask.from([0, 0, 0, 0, 0, 0, 1, 1]));
  });

  it("counts tiles at the edges like the others and reports them", () => {
    // 3 × 5 in tiles of 2 × 2: 2 whole ones, 4 at the edges. The sums of equal entries are their sizes: 4 4 2 / 2 2 1.
    const result = blocksOf(denseMatrix("w", new Float32Array(15).fill(1), 3, 5), 2, 2, 0.5);
    expect(result.raggedBlocks).toBe(4);
    expect(result.mask).toEqual(Mask.from([1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0]));
  });

  it("reports a matrix smaller than a block as one ragged block", () => {
    expect(blocksOf(denseMatrix("w", new Float32Array(6), 2, 3), 16, 4, 0.5)).toEqual({
      mask: Mask.keepAll(6),
      raggedBlocks: 1,
    });
  });

  it("starts anew with every group of out channels", () => {
    // Two groups of one channel each: no 2×2 tile covers both.
    const axes = [
      { role: "out", size: 2, step: 1 },
      { role: "in", size: 2, step: 1 },
    ] as const;
    const view = viewOf("w", axes, [1, 1, 9, 9], { groups: 2 });
    expect(blocksOf(view, 2, 2, 0.5)).toEqual({ mask: Mask.from([0, 0, 1, 1]), raggedBlocks: 2 });
  });

  it("adds in f64: 2²⁴ + 1 outweighs 2²⁴ + 0.5, which f32 cannot tell apart", () => {
    const view = denseMatrix("w", new Float32Array([2 ** 24, 1, 2 ** 24, 0.5]), 2, 2);
    expect(blocksOf(view, 1, 2, 0.6).mask).toEqual(Mask.from([1, 1, 0, 0]));
  });

  it.each([
    [0, 4],
    [16, 1.5],
    [Number.NaN, 4],
  ])("refuses %dx%d", (rows, columns) => {
    const error = coreErrorOf(() => block(rows, columns, 0.5));
    expect(error.code).toBe("invalid-pattern");
    expect(error.message).toContain(`the pattern is block:${rows}x${columns}, expected both sides`);
  });
});
