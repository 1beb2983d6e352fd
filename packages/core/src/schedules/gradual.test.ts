import { gradual } from "@espalier/core";
import { describe, expect, it } from "vitest";

describe("gradual", () => {
  it("climbs in a straight line and is clamped outside", () => {
    const schedule = gradual({ start: 100, end: 200, initial: 0.25, final: 0.75, frequency: 10 });
    // 0.25 + 0.5 · (t − 100) / 100
    expect([0, 100, 125, 150, 175, 200, 300].map((step) => schedule.sparsityAt(step))).toEqual([
      0.25, 0.25, 0.375, 0.5, 0.625, 0.75, 0.75,
    ]);
  });

  it("starts from 0 unless told otherwise", () => {
    expect(gradual({ start: 0, end: 4, final: 0.5 }).sparsityAt(1)).toBe(0.125);
  });

  it("jumps to its target where it ends as it starts", () => {
    const schedule = gradual({ start: 5, end: 5, initial: 0.1, final: 0.5 });
    expect([4, 5, 6].map((step) => schedule.sparsityAt(step))).toEqual([0.1, 0.5, 0.5]);
    expect([4, 5, 6].map((step) => schedule.isPruningStep(step))).toEqual([false, true, false]);
  });
});
