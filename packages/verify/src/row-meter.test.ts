import type { Tensor } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import type { RowFigures } from "./check.js";
import { RowMeter } from "./row-meter.js";

function figuresOf(dims: number[], o: number[], p: number[], dtype: "float32" | "int32" = "float32"): RowFigures {
  const meter = new RowMeter();
  meter.add({ dtype, dims, data: new Float32Array(o.length) } as Tensor, o, p);
  return meter.figures();
}

describe("RowMeter", () => {
  // Rows (1, 2), (4, 3), (5, 5): highest 1, 0, 0 (the first of equals); pruned (1, 3), (3, 4), (6, 5): 1, 1, 0.
  it("counts the rows whose highest entry is the same, the first of equals", () => {
    expect(figuresOf([3, 2], [1, 2, 4, 3, 5, 5], [1, 3, 3, 4, 6, 5])).toEqual({ topAgreement: 2 / 3 });
  });

  // ½ ln(½ / ¼) + ½ ln(½ / ¾) = ½ ln 2 − ½ ln 1.5 = 0.1438; the other way round it is 0.1308. The second row is equal: 0.
  it("takes the divergence from the original to the pruned model, the mean over rows", () => {
    const { meanDivergence } = figuresOf([1, 2, 2], [0.5, 0.5, 1, 0], [0.25, 0.75, 1, 0]);
    expect(meanDivergence).toBeCloseTo((0.5 * Math.log(2) - 0.5 * Math.log(1.5)) / 2, 12);
  });

  it("takes a probability that was rounded to 0 for the smallest float", () => {
    const { meanDivergence } = figuresOf([1, 2], [0.5, 0.5], [1, 0]);
    expect(meanDivergence).toBeCloseTo(0.5 * Math.log(0.5) + 0.5 * Math.log(0.5 / 2 ** -149), 9);
  });

  it("takes nothing for distributions that are none in one row of either model", () => {
    for (const p of [
      [0.5, 0.5, 0.5, 0.6],
      [0.5, 0.5, 1.5, -0.5],
    ]) {
      expect(figuresOf([2, 2], [0.5, 0.5, 0.5, 0.5], p)).not.toHaveProperty("meanDivergence");
      expect(figuresOf([2, 2], p, [0.5, 0.5, 0.5, 0.5])).not.toHaveProperty("meanDivergence");
    }
  });

  it("says nothing about integers, scalars and single numbers", () => {
    expect(figuresOf([1, 2], [1, 2], [1, 2], "int32")).toEqual({});
    expect(figuresOf([], [1], [1])).toEqual({});
    expect(figuresOf([2, 1], [1, 2], [1, 2])).toEqual({});
  });
});
