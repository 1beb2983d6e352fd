import { describe, expect, it } from "vitest";
import { weightDepths } from "./dependencies.js";

/** Depths of weights given by the numbers of the weights before them. */
const depths = (...before: readonly (readonly number[])[]) =>
  weightDepths(before.map((weights) => weights.reduce((set, weight) => set | (1n << BigInt(weight)), 0n)));

describe("weightDepths", () => {
  it("is one more than that of the deepest weight before", () => {
    expect(depths([], [0], [], [1, 2], [3, 0])).toEqual([1, 2, 1, 3, 4]);
  });

  it("does not depend on the order in which weights are given", () => {
    expect(depths([1, 2], [3], [3], [])).toEqual([3, 2, 2, 1]);
  });

  it("is common to weights that lie before each other, through others too", () => {
    expect(depths([], [0, 3], [1], [2], [3])).toEqual([1, 2, 2, 2, 3]);
  });

  it("does not count a weight that lies before itself", () => {
    expect(depths([0], [0])).toEqual([1, 2]);
  });

  it("takes more weights than a double has bits", () => {
    const chain = Array.from({ length: 100 }, (_, index) => (index === 0 ? [] : [index - 1]));
    expect(depths(...chain)).toEqual(chain.map((_, index) => index + 1));
  });
});
