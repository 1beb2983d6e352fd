import { oneShot } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

describe("oneShot", () => {
  it("returns its target, not 1, from its step on", () => {
    const schedule = oneShot({ step: 10, sparsity: 0.6 });
    expect([0, 9, 10, 11, 1000].map((step) => schedule.sparsityAt(step))).toEqual([0, 0, 0.6, 0.6, 0.6]);
    expect([9, 10, 11].map((step) => schedule.isPruningStep(step))).toEqual([false, true, false]);
  });

  it("prunes at step 0 unless told otherwise", () => {
    expect(oneShot({ sparsity: 0.6 })).toMatchObject({ start: 0, end: 0, finalSparsity: 0.6 });
  });

  it("refuses a step that is no integer from 0, and a sparsity that is none", () => {
    expect(coreErrorOf(() => oneShot({ step: -1, sparsity: 0.5 })).code).toBe("invalid-schedule");
    expect(coreErrorOf(() => oneShot({ sparsity: 1 })).code).toBe("invalid-sparsity");
  });
});
