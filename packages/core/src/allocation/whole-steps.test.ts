import { describe, expect, it } from "vitest";
import type { Share } from "./allocation.js";
import { wholeSteps } from "./whole-steps.js";

const share = (step: number, steps: number, mostSteps = steps - 1): Share => {
  return { name: "w", total: steps * step, size: steps * step, step, steps, mostSteps };
};

describe("wholeSteps", () => {
  it("leaves whole amounts alone", () => {
    expect(wholeSteps([share(1, 10), share(1, 10), share(7, 10)], [3, 9, 14], 26)).toEqual([3, 9, 2]);
  });

  // 36 and 9 leave 5 that neither takes: one step of 9 more and four of 1 less make it up.
  it("takes a large step too many where small ones give back what is too much", () => {
    expect(wholeSteps([share(1, 10, 9), share(9, 10, 9)], [9, 36], 50)).toEqual([5, 5]);
  });

  it("stays below where small steps cannot give that much back", () => {
    expect(wholeSteps([share(1, 3, 2), share(9, 10, 9)], [2, 36], 40)).toEqual([2, 4]);
  });

  it("goes above where that is nearer than staying below", () => {
    expect(wholeSteps([share(1, 3, 2), share(9, 10, 9)], [2, 36], 42)).toEqual([0, 5]);
  });

  it("pushes nothing beyond what a weight may lose", () => {
    expect(wholeSteps([share(1, 10, 5), share(1, 10, 5)], [9, 9], 18)).toEqual([5, 5]);
  });

  it("handles costs that are no whole numbers", () => {
    expect(wholeSteps([share(0.1, 10), share(0.3, 10)], [0.3, 0.6], 0.9)).toEqual([3, 2]);
  });
});
