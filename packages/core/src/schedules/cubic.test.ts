import { cubic } from "@espalier/core";
import { describe, expect, it } from "vitest";

describe("cubic", () => {
  it("follows Zhu & Gupta from 0 to 0.5 over 100 steps", () => {
    const schedule = cubic({ start: 0, end: 100, final: 0.5 });
    // 0.5 · (1 − (1 − t/100)³): at 25, 0.5 · (1 − 0.421875)
    expect([25, 50, 75, 100].map((step) => schedule.sparsityAt(step))).toEqual([0.2890625, 0.4375, 0.4921875, 0.5]);
  });

  it("starts from an initial sparsity, not from 0, and is clamped outside", () => {
    const schedule = cubic({ start: 100, end: 200, initial: 0.25, final: 0.75 });
    // 0.75 − 0.5 · (1 − ½)³ = 0.6875; scaling the formula for 0 gives 0.65625 or 0.6875 + 0.03125.
    expect([0, 100, 150, 200, 201].map((step) => schedule.sparsityAt(step))).toEqual([0.25, 0.25, 0.6875, 0.75, 0.75]);
  });
});
