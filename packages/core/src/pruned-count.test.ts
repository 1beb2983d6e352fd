import { prunedCount } from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../test-support/errors.js";
import { percentOf } from "../test-support/reference.js";

describe("prunedCount", () => {
  it("is 29 for 0.29 of 100, where truncation says 28", () => {
    expect(prunedCount(100, 0.29)).toBe(29);
  });

  it("rounds to the nearest, exact halves down", () => {
    expect([5, 7, 10, 11].map((total) => prunedCount(total, 0.5))).toEqual([2, 3, 5, 5]);
    expect(prunedCount(10, 0.26)).toBe(3);
    expect(prunedCount(10, 0.24)).toBe(2);
  });

  it("judges halves by the decimal that was written, not by its double", () => {
    // The double of 0.55 lies above 0.55, that of 0.35 below 0.35: rounding the doubles' products gives 6 and 3.
    expect(prunedCount(10, 0.55)).toBe(5);
    expect(prunedCount(10, 0.35)).toBe(3);
    // 0.29 · 150 is 43.49999999999999 in doubles and 43.5 on paper; 0.145 · 100 is 14.499999999999998 and 14.5.
    expect(prunedCount(150, 0.29)).toBe(43);
    expect(prunedCount(100, 0.145)).toBe(14);
  });

  it("is exact above 2^24, where 32-bit counts drift, and up to 2^53", () => {
    expect(prunedCount(2 ** 25 + 1, 0.5)).toBe(2 ** 24);
    expect(prunedCount(2 ** 25 + 3, 0.5)).toBe(2 ** 24 + 1);
    expect(prunedCount(2 ** 53 - 1, 0.5)).toBe(2 ** 52 - 1);
    // 9007199254740991 · 0.29 = 2612087783874887.39; · 0.7 = 6305039478318693.7
    expect(prunedCount(2 ** 53 - 1, 0.29)).toBe(2612087783874887);
    expect(prunedCount(2 ** 53 - 1, 0.7)).toBe(6305039478318694);
  });

  it("prunes nothing at 0 and of nothing, and everything where the nearest integer is all", () => {
    expect(prunedCount(10, 0)).toBe(0);
    expect(prunedCount(0, 0.9)).toBe(0);
    expect(prunedCount(3, 0.99)).toBe(3);
  });

  it("reads sparsities that print with an exponent", () => {
    expect(prunedCount(10_000_000, 1e-7)).toBe(1);
    expect(prunedCount(15_000_000, 1.5e-7)).toBe(2);
    expect(prunedCount(1000, 5e-324)).toBe(0);
  });

  it("agrees with whole-number arithmetic for every percentage", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 0, max: 99 }), (total, percent) => {
        expect(prunedCount(total, percent / 100)).toBe(percentOf(total, percent));
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  it("never falls as the sparsity or the total grows", () => {
    const fraction = fc.double({ min: 0, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 6 }), fraction, fraction, (total, a, b) => {
        expect(prunedCount(total, Math.min(a, b))).toBeLessThanOrEqual(prunedCount(total, Math.max(a, b)));
        expect(prunedCount(total, a)).toBeLessThanOrEqual(prunedCount(total + 1, a));
        expect(Math.abs(prunedCount(total, a) - total * a)).toBeLessThan(0.5 + 1e-9);
      }),
      { seed: 2, numRuns: 1000 },
    );
  });

  it.each([1, 1.2, -0.1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a sparsity of %s", (sparsity) => {
    const error = coreErrorOf(() => prunedCount(10, sparsity));
    expect(error.code).toBe("invalid-sparsity");
    expect(error.message).toContain(`the sparsity is ${sparsity}, expected a fraction of zeros in [0, 1), such as 0.5`);
  });

  it("recognises a percentage", () => {
    expect(coreErrorOf(() => prunedCount(10, 50)).message).toContain("for 50 % write 0.5");
  });

  it.each([-1, 1.5, 2 ** 53, Number.NaN])("refuses a total of %s", (total) => {
    expect(coreErrorOf(() => prunedCount(total, 0.5)).code).toBe("invalid-argument");
  });
});
