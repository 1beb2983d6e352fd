import { allocateSparsity, outlierShare, parseAllocation } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

function allocate(
  weights: Record<string, [total: number, share: number]>,
  sparsity: number,
  spread?: number,
): number[] {
  const shares = new Map(Object.entries(weights).map(([name, [, share]]) => [name, share]));
  const evidence = { outliers: { shares, ...(spread !== undefined && { spread }) } };
  const list = Object.entries(weights).map(([name, [total]]) => ({ name, total, step: 1 }));
  return [...allocateSparsity(list, { strategy: parseAllocation("owl"), evidence, sparsity }).values()];
}

describe("the allocation owl", () => {
  // D = 0.01, 0.03, 0.05: mean 0.03, deviations −0.02, 0, 0.02, over the largest −1, 0, 1.
  it("keeps more where outliers are, at most 0.08 from the target", () => {
    expect(allocate({ a: [1000, 0.01], b: [1000, 0.03], c: [1000, 0.05] }, 0.7)).toEqual([0.78, 0.7, 0.62]);
  });

  // Sizes 3000 and 1000: mean (3 · 0.02 + 0.06) / 4 = 0.03; deviations −0.01 and 0.03, so −λ/3 and λ with λ = 0.06.
  // 3000 · 0.52 + 1000 · 0.44 = 2000. The plain mean 0.04 would give 0.56 and 0.44: 2120.
  it("weights the mean by size, so that the total is the target's", () => {
    expect(allocate({ a: [3000, 0.02], b: [1000, 0.06] }, 0.5, 0.06)).toEqual([0.52, 0.44]);
  });

  it("is uniform where all have the same share, whatever rounding makes of their mean", () => {
    expect(allocate({ a: [100, 0.1], b: [300, 0.1], c: [700, 0.1] }, 0.5)).toEqual([0.5, 0.5, 0.5]);
  });

  it("refuses a share that is missing or none, and a spread of 1", () => {
    const owl = { strategy: parseAllocation("owl"), sparsity: 0.5 };
    const weights = [{ name: "a", total: 10, step: 1 }];
    const missing = coreErrorOf(() =>
      allocateSparsity(weights, { ...owl, evidence: { outliers: { shares: new Map() } } }),
    );
    expect(missing.message).toContain('outliers of weight "a" is missing');
    expect(coreErrorOf(() => allocate({ a: [10, 1.5] }, 0.5)).code).toBe("invalid-argument");
    expect(coreErrorOf(() => allocate({ a: [10, 0.5] }, 0.5, 1)).message).toContain("the spread of owl is 1");
  });
});

describe("outlierShare", () => {
  // The mean is 2: 5 · 2 = 10 is no outlier by 10 itself, and one of 10.5 is. Five times the median (1) would find both.
  it("is the fraction above 5 times the mean", () => {
    expect(outlierShare(Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 11))).toBe(0.1);
    expect(outlierShare(Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 10))).toBe(0.1);
    expect(outlierShare(Float32Array.of(0, 0, 0, 0, 10))).toBe(0);
    expect(outlierShare(Float32Array.of(1, 1, 4), 1.5)).toBeCloseTo(1 / 3, 15);
  });

  it("is 0 where nothing scores, and refuses what has no mean", () => {
    expect(outlierShare(new Float32Array(4))).toBe(0);
    expect(coreErrorOf(() => outlierShare(new Float32Array(0))).code).toBe("invalid-argument");
    expect(coreErrorOf(() => outlierShare(Float32Array.of(1), 0)).code).toBe("invalid-argument");
    expect(coreErrorOf(() => outlierShare(Float32Array.of(1, Number.NaN))).code).toBe("not-finite");
  });
});
