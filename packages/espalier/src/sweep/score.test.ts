import { describe, expect, it } from "vitest";
import { scoreOf } from "./score.js";

describe("scoreOf", () => {
  // 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, s² = 14 / 3, s² / 4 = 7 / 6. With n in the denominator it would be 0.875.
  it("divides by n − 1, and by the root of n", () => {
    expect(scoreOf([1, 2, 3, 6])).toEqual({ mean: 3, standardError: Math.sqrt(14 / 3 / 4) });
  });

  it("knows no error of a single score", () => {
    expect(scoreOf([0.5])).toEqual({ mean: 0.5, standardError: 0 });
  });
});
