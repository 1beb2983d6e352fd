import { proportion } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

describe("proportion", () => {
  it("gives the share and its binomial standard error", () => {
    // 3 of 4: sqrt(0.75 · 0.25 / 4) = 0.2165…; dividing by n − 1 would give 0.25.
    const { value, standardError } = proportion([true, false, true, true]);
    expect(value).toBe(0.75);
    expect(standardError).toBeCloseTo(0.21650635, 8);
  });

  it("has no error where all or none are true", () => {
    expect(proportion([true, true])).toEqual({ value: 1, standardError: 0 });
    expect(proportion([false])).toEqual({ value: 0, standardError: 0 });
  });

  it("refuses an empty list", () => {
    expect(() => proportion([])).toThrow(RangeError);
  });
});
