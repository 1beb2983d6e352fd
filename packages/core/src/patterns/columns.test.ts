import { columns, computeMasks, denseMatrix, l1, Mask } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { viewOf } from "../../test-support/views.js";

describe("columns", () => {
  it("prunes whole in-features with the smallest sums", () => {
    const view = denseMatrix("w", new Float32Array([0.1, 2, 3, 9, 2, 3]), 2, 3);
    expect(computeMasks([view], { criterion: l1(), pattern: columns(0.34) }).get("w")).toEqual({
      mask: Mask.from([1, 0, 1, 1, 0, 1]),
      raggedBlocks: 0,
    });
  });

  it("takes the in-features of each group by themselves: they are different inputs", () => {
    // Two groups of one channel: the four entries are four columns, not two.
    const axes = [
      { role: "out", size: 2, step: 1 },
      { role: "in", size: 2, step: 1 },
    ] as const;
    const view = viewOf("w", axes, [1, 9, 8, 2], { groups: 2 });
    expect(computeMasks([view], { criterion: l1(), pattern: columns(0.5) }).get("w")).toEqual({
      mask: Mask.from([0, 1, 1, 0]),
      raggedBlocks: 0,
    });
  });
});
