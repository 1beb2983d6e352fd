import { allocateSparsity, parseAllocation, prunedCount, type Sensitivity } from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

type Tables = Readonly<Record<string, Sensitivity>>;

function allocate(totals: readonly number[], tables: Tables, sparsity: number): number[] {
  const weights = Object.keys(tables).map((name, index) => ({ name, total: totals[index]!, step: 1 }));
  const evidence = { sensitivity: new Map(Object.entries(tables)) };
  return [...allocateSparsity(weights, { strategy: parseAllocation("sensitivity"), evidence, sparsity }).values()];
}

/** The error of a weight by the number of entries that go: linear between measurements, Infinity beyond the last. */
function errorsByCount(total: number, { sparsities, errors }: Sensitivity): number[] {
  const points = [[0, 0], ...sparsities.map((sparsity, i) => [sparsity * total, errors[i]!])] as [number, number][];
  return Array.from({ length: total }, (_, count) => {
    const next = points.findIndex(([x]) => x >= count);
    if (next <= 0) return next === 0 ? 0 : Number.POSITIVE_INFINITY;
    const [[x0, y0], [x1, y1]] = [points[next - 1]!, points[next]!];
    return y0 + ((y1 - y0) * (count - x0)) / (x1 - x0);
  });
}

/** The smallest sum of errors for every number of pruned entries, by trying every division: dynamic programming. */
function smallestErrors(curves: readonly number[][]): number[] {
  return curves.reduce(
    (best, curve) => {
      const both = Array<number>(best.length + curve.length - 1).fill(Number.POSITIVE_INFINITY);
      for (const [i, before] of best.entries()) {
        for (const [j, added] of curve.entries()) both[i + j] = Math.min(both[i + j]!, before + added);
      }
      return both;
    },
    [0],
  );
}

/** Tables whose measurements lie on whole entries. */
function arbitraryTable(total: number, convex: boolean): fc.Arbitrary<Sensitivity> {
  const counts = [0.2, 0.5, 0.8, 0.9].map((sparsity) => Math.round(sparsity * total));
  return fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 4, maxLength: 4 }).map((drawn) => {
    const slopes = convex ? drawn.toSorted((a, b) => a - b) : drawn;
    let error = 0;
    const errors = counts.map((count, i) => {
      error += slopes[i]! * (count - (counts[i - 1] ?? 0));
      return error;
    });
    return { sparsities: counts.map((count) => count / total), errors };
  });
}

const sumOfErrors = (
  totals: readonly number[],
  tables: readonly Sensitivity[],
  sparsities: readonly number[],
): number =>
  sparsities.reduce(
    (sum, sparsity, i) => sum + errorsByCount(totals[i]!, tables[i]!)[Math.round(sparsity * totals[i]!)]!,
    0,
  );

describe("the allocation sensitivity", () => {
  // Slopes per entry: a 0.1 for 5 entries, then 1; b 0.4 for 5, then 0.6 for 4. Of 20 entries 12 go: a's 5, b's 5, 2 more of b.
  // The same error for both would end elsewhere: equal errors 0.5 at (5, 1), and so on.
  it("prunes where the next entry adds the least error", () => {
    const tables = {
      a: { sparsities: [0.5, 0.9], errors: [0.5, 4.5] },
      b: { sparsities: [0.5, 0.9], errors: [2, 4.4] },
    };
    expect(allocate([10, 10], tables, 0.6)).toEqual([0.5, 0.7]);
  });

  // a jumps at once and is then free (slopes 1, 0): by its hull 0.5 an entry, which is more than b's 0.4 for 5 entries.
  // A greedy on the raw slopes would stop at the jump and never see that a is cheap behind it: b's 0.8 an entry would win.
  it("looks behind a step of the curve", () => {
    const tables = {
      a: { sparsities: [0.4, 0.8], errors: [4, 4] },
      b: { sparsities: [0.5, 0.9], errors: [2, 5.2] },
    };
    expect(allocate([10, 10], tables, 0.65)).toEqual([0.8, 0.5]);
  });

  it("finds what trying every division finds, where curves are convex", () => {
    const totals = [10, 20, 30];
    const tables = fc.tuple(...totals.map((total) => arbitraryTable(total, true)));
    fc.assert(
      fc.property(tables, fc.integer({ min: 0, max: 54 }), (measured, count) => {
        const sparsities = allocate(
          totals,
          Object.fromEntries(measured.map((table, i) => [`w${i}`, table])),
          count / 60,
        );
        const curves = measured.map((table, i) => errorsByCount(totals[i]!, table));
        expect(prunedCount(60, count / 60)).toBe(count);
        expect(sumOfErrors(totals, measured, sparsities)).toBeCloseTo(smallestErrors(curves)[count]!, 9);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("is off the best division by less than what one measurement spans, where curves are not convex", () => {
    const totals = [10, 20, 30];
    const tables = fc.tuple(...totals.map((total) => arbitraryTable(total, false)));
    fc.assert(
      fc.property(tables, fc.integer({ min: 0, max: 54 }), (measured, count) => {
        const sparsities = allocate(
          totals,
          Object.fromEntries(measured.map((table, i) => [`w${i}`, table])),
          count / 60,
        );
        const best = smallestErrors(measured.map((table, i) => errorsByCount(totals[i]!, table)))[count]!;
        const largest = Math.max(...measured.flatMap(({ errors }) => errors));
        const found = sumOfErrors(totals, measured, sparsities);
        expect(found).toBeGreaterThanOrEqual(best - 1e-9);
        // Only one weight ends inside a segment of its hull, where its curve is at most its largest error above the hull.
        expect(found - best).toBeLessThanOrEqual(largest + 1e-9);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it("stays at the last measurement, and refuses a target behind all of them", () => {
    const tables = { a: { sparsities: [0.3], errors: [0] }, b: { sparsities: [0.6], errors: [10] } };
    expect(allocate([10, 10], tables, 0.45)).toEqual([0.3, 0.6]);
    const error = coreErrorOf(() => allocate([10, 10], tables, 0.6));
    expect(error.code).toBe("invalid-sparsity");
    expect(error.message).toContain("reach a sparsity of 0.4500 over all weights, the target asks for 0.6000");
  });

  it.each<[string, Sensitivity, string]>([
    ["no measurement", { sparsities: [], errors: [] }, "0 sparsities and 0 errors"],
    ["one error too few", { sparsities: [0.5, 0.6], errors: [1] }, "2 sparsities and 1 errors"],
    ["sparsities that fall", { sparsities: [0.5, 0.4], errors: [1, 2] }, "holds the sparsity 0.4 at 1"],
    ["sparsity 1", { sparsities: [1], errors: [1] }, "holds the sparsity 1 at 0"],
    ["an error that is NaN", { sparsities: [0.5], errors: [Number.NaN] }, "holds the error NaN at 0"],
  ])("refuses %s", (_, table, message) => {
    const error = coreErrorOf(() => allocate([10], { w: table }, 0.3));
    expect([error.code, error.weight]).toEqual(["invalid-argument", "w"]);
    expect(error.message).toContain(message);
  });

  it("names a weight that was not measured", () => {
    const request = { strategy: parseAllocation("sensitivity"), evidence: { sensitivity: new Map() }, sparsity: 0.5 };
    const error = coreErrorOf(() => allocateSparsity([{ name: "w", total: 4, step: 1 }], request));
    expect(error.message).toBe('the sensitivity of weight "w" is missing: measure it or exclude the weight');
  });
});
