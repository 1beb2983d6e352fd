import { computeMasks, denseMatrix, l1, Mask, nnz, sparsity, unstructured } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";
import { matMul, viewOf } from "../../test-support/views.js";

function maskOf(values: number[], fraction: number): Mask {
  const view = denseMatrix("w", Float32Array.from(values), 1, values.length);
  return computeMasks([view], { criterion: l1(), pattern: unstructured(fraction) }).get("w")!.mask;
}

describe("unstructured", () => {
  it("prunes exactly 5 of 10 distinct weights at 0.5", () => {
    expect(maskOf([3, -1, 4, -1.5, 9, 2, -6, 5, 8, 7], 0.5)).toEqual(Mask.from([0, 0, 0, 0, 1, 0, 1, 1, 1, 1]));
  });

  it("prunes exactly the first 5 of 10 equal weights at 0.5", () => {
    expect(maskOf(new Array(10).fill(-2), 0.5)).toEqual(Mask.from([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]));
  });

  it("prunes nothing at 0", () => {
    expect(maskOf([0, 0, 1, 2], 0)).toEqual(Mask.keepAll(4));
  });

  it("counts zeros that were there: of a weight with 30 % zeros, 0.5 prunes 20 % more", () => {
    const values = [5, 0, 4, -0, 3, 0, 2, 1, 7, 6];
    expect(maskOf(values, 0.5)).toEqual(Mask.from([1, 0, 1, 0, 1, 0, 0, 0, 1, 1]));
    // Fewer than there are: the first zeros are the ones that go.
    expect(maskOf(values, 0.2)).toEqual(Mask.from([1, 0, 1, 0, 1, 1, 1, 1, 1, 1]));
  });

  it("ranks rows by themselves: the column of a MatMul weight [K, N] is an out channel", () => {
    // Columns (1, 2) and (10, 20); as a whole 1 and 2 would go, along the buffer's rows 1 and 2 as well.
    const view = viewOf("w", matMul(2, 2), [1, 10, 2, 20]);
    const masks = computeMasks([view], { criterion: l1(), pattern: unstructured(0.5, { group: "row" }) });
    expect(masks.get("w")!.mask).toEqual(Mask.from([0, 0, 1, 1]));
  });

  it("rounds in every row: 3 rows of 3 at 0.5 lose one each", () => {
    const view = denseMatrix(
      "w",
      Float32Array.from({ length: 9 }, (_, i) => i + 1),
      3,
      3,
    );
    const byRow = computeMasks([view], { criterion: l1(), pattern: unstructured(0.5, { group: "row" }) });
    expect(sparsity(byRow.get("w")!.mask)).toBe(3 / 9);
    const byLayer = computeMasks([view], { criterion: l1(), pattern: unstructured(0.5, { group: "layer" }) });
    expect(sparsity(byLayer.get("w")!.mask)).toBe(4 / 9);
  });

  it("ranks weights of different scale together with group model, earlier ones first among equals", () => {
    const small = denseMatrix("small", new Float32Array([1, 2, 3]), 1, 3);
    const large = denseMatrix("large", new Float32Array([3, 20, 30]), 1, 3);
    const pattern = unstructured(0.5, { group: "model" });
    const masks = computeMasks([small, large], { criterion: l1(), pattern });
    expect(masks.get("small")!.mask).toEqual(Mask.from([0, 0, 0]));
    expect(masks.get("large")!.mask).toEqual(Mask.keepAll(3));
    const reversed = computeMasks([large, small], { criterion: l1(), pattern });
    expect(reversed.get("small")!.mask).toEqual(Mask.from([0, 0, 1]));
    expect(nnz(reversed.get("large")!.mask)).toBe(2);
  });

  it("refuses a group it does not know", () => {
    const error = coreErrorOf(() => unstructured(0.5, { group: "channel" as "row" }));
    expect(error.code).toBe("invalid-pattern");
    expect(error.message).toBe('the comparison group is "channel", expected one of layer, row, model');
  });

  it("refuses a sparsity outside [0, 1)", () => {
    expect(coreErrorOf(() => unstructured(1)).code).toBe("invalid-sparsity");
  });
});
