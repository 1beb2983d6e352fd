import { computeMasks, denseMatrix, Mask, nnz, unstructured, type WeightStatistics, wanda } from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";
import { coordinates } from "../../test-support/reference.js";
import { arbitraryView, matMul, statisticsFor, viewOf } from "../../test-support/views.js";

function statistics(sumOfSquares: number[], count = 1): WeightStatistics {
  return { sumOfSquares: Float64Array.from(sumOfSquares), count };
}

function scoreRow(values: number[], found: WeightStatistics): Float32Array {
  const view = denseMatrix("w", Float32Array.from(values), 1, values.length);
  return wanda().score(view, view.read(), found);
}

describe("wanda", () => {
  // Sun et al. 2023, eq. 1: S = |W| · ‖X‖. Norms 1 and 3, so sums of squares 1 and 9.
  it("multiplies by the norm, not by its square: of [4, 1] with norms [1, 3] the first stays", () => {
    // 4 · 1 = 4 > 1 · 3 = 3; squared norms give 4 < 9
    expect(scoreRow([4, 1], statistics([1, 9]))).toEqual(new Float32Array([4, 3]));
  });

  it("takes the root once: of [3, 1] with norms [1, 4] the second stays", () => {
    // 3 · 1 = 3 < 1 · 4 = 4; a double root gives 3 > 2
    expect(scoreRow([3, -1], statistics([1, 16]))).toEqual(new Float32Array([3, 4]));
  });

  it("divides by the positions seen, which decides across weights", () => {
    expect(scoreRow([1], statistics([36], 4))).toEqual(new Float32Array([3]));
    // sqrt(36 / 1) = 6 > sqrt(50 / 9) = 2.36; without n, sqrt(36) = 6 < sqrt(50) = 7.07.
    const a = denseMatrix("a", new Float32Array([1]), 1, 1);
    const b = denseMatrix("b", new Float32Array([1]), 1, 1);
    const masks = computeMasks([a, b], {
      criterion: wanda(),
      pattern: unstructured(0.5, { group: "model" }),
      statistics: new Map([
        ["a", statistics([36], 1)],
        ["b", statistics([50], 9)],
      ]),
    });
    expect([nnz(masks.get("a")!.mask), nnz(masks.get("b")!.mask)]).toEqual([1, 0]);
  });

  it("is 0 where the input was never active, whatever the weight", () => {
    expect(scoreRow([1e30, -2, 3], statistics([0, 4, 0]))).toEqual(new Float32Array([0, 4, 0]));
  });

  it("compares within each out channel unless told otherwise: rows of different scale lose the same", () => {
    const view = denseMatrix("w", new Float32Array([100, 200, 1, 2]), 2, 2);
    const request = { criterion: wanda(), statistics: new Map([["w", statistics([1, 1])]]) };
    const byRow = computeMasks([view], { ...request, pattern: unstructured(0.5) });
    expect(byRow.get("w")!.mask).toEqual(Mask.from([0, 1, 0, 1]));
    const byLayer = computeMasks([view], { ...request, pattern: unstructured(0.5, { group: "layer" }) });
    expect(byLayer.get("w")!.mask).toEqual(Mask.from([1, 1, 0, 0]));
  });

  it("finds the feature of every entry in every layout, group by group", () => {
    fc.assert(
      fc.property(arbitraryView("w"), (view) => {
        const found = statisticsFor([view]).get("w")!;
        const values = view.read();
        const expected = coordinates(view).map(({ out, feature }, index) => {
          const group = Math.floor(out / (view.outChannels / view.groups));
          const sum = found.sumOfSquares[group * view.inFeatures + feature]!;
          return Math.abs(values[index]!) * Math.sqrt(sum / found.count);
        });
        expect(wanda().score(view, values, found)).toEqual(Float32Array.from(expected));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("uses the statistics of each group of a grouped convolution", () => {
    const axes = [
      { role: "out", size: 2, step: 1 },
      { role: "in", size: 2, step: 1 },
    ] as const;
    const view = viewOf("w", axes, [1, 1, 1, 1], { groups: 2 });
    expect(wanda().score(view, view.read(), statistics([1, 4, 9, 16]))).toEqual(new Float32Array([1, 2, 3, 4]));
  });

  const view = viewOf("w", matMul(3, 2), [1, 1, 1, 1, 1, 1]);
  const errorWith = (found?: WeightStatistics) => coreErrorOf(() => wanda().score(view, view.read(), found));

  it("refuses missing statistics instead of falling back to magnitude", () => {
    expect(errorWith()).toMatchObject({ code: "invalid-statistics", weight: "w" });
  });

  it("refuses statistics of another length, naming both", () => {
    const error = errorWith(statistics([1, 1]));
    expect(error.code).toBe("shape-mismatch");
    expect(error.message).toContain("2 sums, expected groups × in-features = 1 × 3");
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %s in the statistics, naming weight and index", (bad) => {
    const error = errorWith(statistics([1, bad, bad]));
    expect(error).toMatchObject({ code: "not-finite", weight: "w", index: 1 });
    expect(error.message).toContain(`the statistics of weight "w" hold ${bad} at index 1`);
  });

  it("refuses a negative sum", () => {
    expect(errorWith(statistics([1, 1, -1]))).toMatchObject({ code: "invalid-statistics", index: 2 });
  });

  it("refuses statistics of no samples", () => {
    expect(errorWith(statistics([1, 1, 1], 0))).toMatchObject({ code: "no-samples", weight: "w" });
  });

  it.each([-1, 0.5, Number.NaN])("refuses a count of %s", (count) => {
    expect(errorWith(statistics([1, 1, 1], count)).code).toBe("invalid-statistics");
  });

  it("refuses a weight whose axes conflict", () => {
    const torn = { ...view, axisConflict: "MatMul a and Gemm b disagree" };
    const error = coreErrorOf(() => wanda().score(torn, torn.read(), statistics([1, 1, 1])));
    expect(error).toMatchObject({
      code: "unsupported",
      refusals: [{ name: "w", reason: "MatMul a and Gemm b disagree" }],
    });
  });
});
