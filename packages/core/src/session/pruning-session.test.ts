import {
  and,
  columns,
  cubic,
  denseMatrix,
  gradual,
  l1,
  type Mask,
  nm,
  nnz,
  oneShot,
  type Pattern,
  PruningSession,
  rows,
  sparsity,
  unstructured,
  wanda,
} from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

function sessionOver(
  values: Float32Array | Float64Array,
  pattern: Pattern,
  schedule = oneShot({ sparsity: pattern.sparsity }),
) {
  const weights = [denseMatrix("w", values, 1, values.length)];
  return new PruningSession({ weights, criterion: l1(), pattern, schedule });
}

describe("PruningSession", () => {
  it("prunes nothing before its first pruning step", () => {
    const values = new Float32Array([1, 2, 3, 4]);
    const session = sessionOver(values, unstructured(0.5), oneShot({ step: 2, sparsity: 0.5 }));
    expect([session.step(0), session.step(1)]).toEqual([false, false]);
    session.apply("w", values);
    expect(values).toEqual(new Float32Array([1, 2, 3, 4]));
    expect(session.mask("w")).toBeUndefined();
    expect(session.step(2)).toBe(true);
  });

  it.each([Float32Array, Float64Array])("keeps pruned entries at +0 while the optimiser moves them (%o)", (Values) => {
    const values = new Values([1, -2, 3, -4]);
    const session = sessionOver(values, unstructured(0.5));
    expect(session.step(0)).toBe(true);
    session.apply("w", values);
    expect(values).toEqual(new Values([0, 0, 3, -4]));
    values.set([-9, 9, 0.1, 0.1]);
    expect(session.step(1)).toBe(false);
    session.apply("w", values);
    expect(values).toEqual(new Values([0, 0, 0.1, 0.1]));
    expect(Object.is(values[0], 0)).toBe(true);
  });

  it("applies to any array in the weight's order, such as an optimiser's moments", () => {
    const session = sessionOver(new Float32Array([1, 2]), unstructured(0.5));
    session.step(0);
    const surroundings = new Float32Array([7, 7, 7, 7]);
    session.apply("w", surroundings.subarray(1, 3));
    expect(surroundings).toEqual(new Float32Array([7, 0, 7, 7]));
  });

  it("follows its schedule to the target: exact counts at every pruning step", () => {
    const values = Float32Array.from({ length: 100 }, (_, i) => i + 1);
    const schedule = cubic({ start: 10, end: 110, final: 0.5, frequency: 25 });
    const session = sessionOver(values, unstructured(0.5), schedule);
    const pruned = new Map<number, number>();
    for (let step = 0; step <= 120; step++) {
      if (session.step(step)) pruned.set(step, 100 - nnz(session.mask("w")!));
    }
    // 0.5 · (1 − (1 − t/100)³) of 100: 28.90625, 43.75, 49.21875
    expect([...pruned]).toEqual([
      [10, 0],
      [35, 29],
      [60, 44],
      [85, 49],
      [110, 50],
    ]);
  });

  it("lets no pruned entry back, whatever the optimiser wrote, while counts stay exact", () => {
    const patterns = fc.constantFrom(
      unstructured(0.8),
      unstructured(0.8, { group: "row" }),
      unstructured(0.8, { group: "model" }),
      rows(0.8),
      columns(0.8),
    );
    const value = fc.constantFrom(0, 1, -1, 5, 1e-40);
    fc.assert(
      fc.property(
        patterns,
        fc.array(fc.array(value, { minLength: 24, maxLength: 24 }), { minLength: 5, maxLength: 5 }),
        (pattern, written) => {
          const values = new Float32Array(24);
          const weights = [denseMatrix("w", values, 4, 6)];
          const schedule = gradual({ start: 0, end: 4, final: 0.8 });
          const session = new PruningSession({ weights, criterion: l1(), pattern, schedule });
          let before: Mask | undefined;
          for (const [step, found] of written.entries()) {
            // Pruned entries hold what the optimiser wrote: `apply` is not called.
            values.set(found);
            expect(session.step(step)).toBe(true);
            const mask = session.mask("w")!;
            if (before) expect(and(mask, before)).toEqual(mask);
            if (pattern.group !== "row" && pattern.spec === "unstructured") {
              expect(sparsity(mask)).toBe([0, 5, 10, 14, 19][step]! / 24);
            }
            before = mask;
          }
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  it("makes up for a pruning step that was left out, with the sparsity it would have had", () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => i + 1);
    const schedule = gradual({ start: 0, end: 100, final: 0.5, frequency: 20 });
    const resumed = sessionOver(values, unstructured(0.5), schedule);
    // Step 40 is the latest pruning step before 45: 0.5 · 40 / 100 = 0.2, where step 45 itself would have 0.225.
    expect(resumed.step(45)).toBe(true);
    expect(sparsity(resumed.mask("w")!)).toBe(0.2);
    expect(resumed.step(59)).toBe(false);
    expect(resumed.step(1000)).toBe(true);
    expect(sparsity(resumed.mask("w")!)).toBe(0.5);
  });

  it("re-masks once where a step is announced twice, and refuses one that goes back", () => {
    const session = sessionOver(new Float32Array([1, 2]), unstructured(0.5), oneShot({ step: 3, sparsity: 0.5 }));
    expect([session.step(3), session.step(3)]).toEqual([true, false]);
    expect(coreErrorOf(() => session.step(2))).toMatchObject({
      code: "invalid-argument",
      message: "the session was given step 2, expected an integer from 3, the last step",
    });
    expect(coreErrorOf(() => session.step(3.5)).code).toBe("invalid-argument");
  });

  it("stops where training diverged, and prunes once it is repaired", () => {
    const values = new Float32Array([1, Number.NaN]);
    const session = sessionOver(values, unstructured(0.5));
    expect(coreErrorOf(() => session.step(0)).code).toBe("not-finite");
    values[1] = 2;
    expect(session.step(0)).toBe(true);
  });

  it("prunes N:M at once, and not over many steps", () => {
    const values = new Float32Array([1, 4, 3, 2]);
    const session = sessionOver(values, nm(2, 4));
    session.step(0);
    session.apply("w", values);
    expect(values).toEqual(new Float32Array([0, 4, 3, 0]));
    const error = coreErrorOf(() => sessionOver(values, nm(2, 4), cubic({ start: 0, end: 9, final: 0.5 })));
    expect(error.code).toBe("invalid-schedule");
    expect(error.message).toContain("2:4 fixes its sparsity and cannot be reached over steps 0 to 9: use oneShot");
  });

  it("refuses a schedule with another target than the pattern", () => {
    const error = coreErrorOf(() => sessionOver(new Float32Array(4), unstructured(0.5), oneShot({ sparsity: 0.4 })));
    expect(error).toMatchObject({
      code: "invalid-schedule",
      message: "the schedule ends at sparsity 0.4, the pattern unstructured asks for 0.5: expected the same",
    });
  });

  it("refuses weights that cannot take the pattern when it is made, not in the middle of training", () => {
    expect(coreErrorOf(() => sessionOver(new Float32Array(6), nm(2, 4))).code).toBe("unsupported");
    const weights = [denseMatrix("w", new Float32Array(2), 1, 2)];
    const request = { weights, criterion: wanda(), pattern: unstructured(0.5), schedule: oneShot({ sparsity: 0.5 }) };
    expect(coreErrorOf(() => new PruningSession(request)).code).toBe("unsupported");
  });

  it("refuses names it does not know and arrays of another length", () => {
    const session = sessionOver(new Float32Array(2), unstructured(0.5));
    expect(coreErrorOf(() => session.apply("v", new Float32Array(2)))).toMatchObject({
      code: "unknown-weight",
      weight: "v",
    });
    expect(coreErrorOf(() => session.mask("v")).code).toBe("unknown-weight");
    session.step(0);
    expect(coreErrorOf(() => session.apply("w", new Float32Array(3))).code).toBe("shape-mismatch");
  });

  it("refuses two weights of one name", () => {
    const weights = [denseMatrix("w", new Float32Array(2), 1, 2), denseMatrix("w", new Float32Array(2), 1, 2)];
    const schedule = oneShot({ sparsity: 0.5 });
    const make = () => new PruningSession({ weights, criterion: l1(), pattern: unstructured(0.5), schedule });
    expect(coreErrorOf(make)).toMatchObject({ code: "duplicate-weight", weight: "w" });
  });
});
