import { describe, expect, it } from "vitest";
import { weightHistogram } from "./weight-histogram.js";

describe("weightHistogram", () => {
  it("spans four root mean squares of the values before, and puts what is beyond into the outermost bins", () => {
    // Σw² = 2 over 4 entries: root mean square √½.
    const { reach, before, after } = weightHistogram([1, -1, 0, 0], [1, -100, 0, 100]);
    expect(reach).toBeCloseTo(4 * Math.SQRT1_2, 12);
    // 1 stands at (1 + reach) / (2 · reach) · 49 = 33.16, −1 mirrored.
    expect([before[33], before[15]]).toEqual([1, 1]);
    expect([after[33], after[0], after[48]]).toEqual([1, 1, 1]);
  });

  it("does not count zeros, of either sign", () => {
    const { after } = weightHistogram([1, 1, 1], [0, -0, 1]);
    expect(after.reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  it("counts what is infinite in the outermost bins, and NaN nowhere", () => {
    const { reach, before, after } = weightHistogram([Number.POSITIVE_INFINITY, 0.5], [Number.NaN, 0.5]);
    expect([reach, before[48], before.reduce((sum, count) => sum + count, 0)]).toEqual([1, 1, 2]);
    expect(after.reduce((sum, count) => sum + count, 0)).toBe(1);
  });

  it("has a reach of 1 where everything was zero", () => {
    expect(weightHistogram([0, 0], [0, 0.5])).toMatchObject({ reach: 1 });
  });
});
