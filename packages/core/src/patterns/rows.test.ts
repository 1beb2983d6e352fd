import { computeMasks, denseMatrix, l1, Mask, rows } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { matMul, viewOf } from "../../test-support/views.js";

describe("rows", () => {
  it("prunes whole out channels with the smallest sums", () => {
    const view = denseMatrix("w", new Float32Array([0.1, 9, 2, 2, 3, 3]), 3, 2);
    expect(computeMasks([view], { criterion: l1(), pattern: rows(0.34) }).get("w")).toEqual({
      mask: Mask.from([1, 1, 0, 0, 1, 1]),
      raggedBlocks: 0,
    });
  });

  it("prunes columns of the buffer of a MatMul weight [K, N]", () => {
    const view = viewOf("w", matMul(2, 3), [5, 1, 5, 5, 1, 5]);
    expect(computeMasks([view], { criterion: l1(), pattern: rows(0.3) }).get("w")!.mask).toEqual(
      Mask.from([1, 0, 1, 1, 0, 1]),
    );
  });
});
