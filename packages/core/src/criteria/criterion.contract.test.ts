import { type Criterion, l1, l2, random, type WeightView, wanda } from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";
import { arbitraryView, matMul, statisticsFor, viewOf } from "../../test-support/views.js";

/** Every criterion keeps these promises; a new one is added here. */
const CRITERIA: readonly [string, Criterion][] = [
  ["l1", l1()],
  ["l2", l2()],
  ["wanda", wanda()],
  ["random", random(7)],
];

const LARGEST = (2 - 2 ** -23) * 2 ** 127;

describe.each(CRITERIA)("%s", (name, criterion) => {
  const score = (view: WeightView): Float32Array =>
    criterion.score(view, view.read(), statisticsFor([view]).get(view.name));

  it("is named as the command line writes it", () => {
    expect(criterion.name).toBe(name);
  });

  it("scores every entry with a finite number, never −0, and zeros with 0", () => {
    fc.assert(
      fc.property(arbitraryView("w"), (view) => {
        const values = view.read();
        const importance = score(view);
        expect(importance).toBeInstanceOf(Float32Array);
        expect(importance.length).toBe(values.length);
        for (const [index, value] of importance.entries()) {
          expect(value >= 0 && value <= LARGEST && !Object.is(value, -0)).toBe(true);
          if (values[index] === 0) expect(value).toBe(0);
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("gives the same answer every time and leaves the weight alone", () => {
    fc.assert(
      fc.property(arbitraryView("w"), (view) => {
        const values = view.read();
        const first = criterion.score(view, values, statisticsFor([view]).get("w"));
        expect(values).toEqual(view.read());
        expect(criterion.score(view, values, statisticsFor([view]).get("w"))).toEqual(first);
      }),
      { seed: 2, numRuns: 30 },
    );
  });

  it("scores into the memory it is given, also over the values themselves, with the same result", () => {
    fc.assert(
      fc.property(arbitraryView("w"), (view) => {
        const expected = score(view);
        const statistics = statisticsFor([view]).get("w");
        const values = view.read();
        const into = new Float32Array(values.length).fill(7);
        expect(criterion.score(view, values, statistics, into)).toBe(into);
        expect(into).toEqual(expected);
        if (!(values instanceof Float32Array)) return;
        expect(criterion.score(view, values, statistics, values)).toBe(values);
        expect(values).toEqual(expected);
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it("stays finite and above zero where f32 overflows and underflows", () => {
    const values = [1e300, -1e300, 1e-300, LARGEST, 2 ** -149, 1e25, 1e-30];
    // One in-feature, whose sum of squares is 10: not dead, where 0 would be right.
    const importance = score(viewOf("w", matMul(1, 7), values, { double: true }));
    for (const value of importance) expect(value > 0 && value <= LARGEST).toBe(true);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "refuses a weight with %s, naming it and the first index",
    (bad) => {
      const error = coreErrorOf(() => score(viewOf("encoder.w", matMul(2, 3), [1, 2, 0, bad, bad, 1])));
      expect(error).toMatchObject({ code: "not-finite", weight: "encoder.w", index: 3 });
      expect(error.message).toContain(`the values of weight "encoder.w" hold ${bad} at index 3`);
    },
  );

  it("refuses values of another length than the view", () => {
    const view = viewOf("w", matMul(2, 3), [1, 2, 3, 4, 5]);
    expect(coreErrorOf(() => score(view))).toMatchObject({ code: "shape-mismatch", weight: "w" });
  });
});
