import { characterAccuracy, editDistance } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

describe("editDistance", () => {
  it.each([
    ["", "", 0],
    ["whale", "whale", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    // k → s, e → i, then g at the end.
    ["kitten", "sitting", 3],
    // One deletion in front, one insertion at the end; position by position all six differ.
    ["abcdef", "bcdefg", 2],
  ])("makes %j of %j", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe("characterAccuracy", () => {
  it("sums over lines before it divides", () => {
    // 1 of 2 + 0 of 8 characters wrong: 9 of 10 right. The mean of both lines' accuracies would be 0.75.
    const { value, standardError } = characterAccuracy(["ab", "abcdefgh"], ["ax", "abcdefgh"]);
    expect(value).toBeCloseTo(0.9, 12);
    // r = 0.1; d − r·l = 1 − 0.2 and 0 − 0.8; sqrt(2 · 1.28) / 10.
    expect(standardError).toBeCloseTo(Math.sqrt(2.56) / 10, 12);
  });

  it("has no error where all lines are equally good", () => {
    expect(characterAccuracy(["abcd", "efgh"], ["abcx", "efgx"])).toEqual({ value: 0.75, standardError: 0 });
  });

  it("is 0 and not negative for a model that says more than was written", () => {
    expect(characterAccuracy(["a"], ["xyz"]).value).toBe(0);
  });

  it("refuses lists that do not belong together", () => {
    expect(() => characterAccuracy(["a", "b"], ["a"])).toThrow("1 texts for 2 lines");
    expect(() => characterAccuracy([], [])).toThrow(RangeError);
  });
});
