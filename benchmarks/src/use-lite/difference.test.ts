import { describe, expect, it } from "vitest";
import { difference } from "./difference.js";

describe("difference", () => {
  it("is the mean over texts, in points", () => {
    // +1, 0, 0, −1, −1: mean −0.2, squares about it 1.44 + 2 · 0.04 + 2 · 0.64 = 2.8, over n − 1 = 4: 0.7.
    const found = difference([true, true, false, false, false], [false, true, false, true, true]);
    expect(found.points).toBeCloseTo(-20, 10);
    expect(found.standardError).toBeCloseTo(100 * Math.sqrt(0.7 / 5), 10);
  });

  it("is certain of nothing between models that are right on the same texts", () => {
    expect(difference([true, false], [true, false])).toEqual({ points: 0, standardError: 0 });
  });
});
