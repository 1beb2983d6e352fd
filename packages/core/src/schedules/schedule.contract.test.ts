import { cubic, gradual, oneShot, type Schedule } from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

const span = fc.record({
  start: fc.integer({ min: 0, max: 50 }),
  length: fc.integer({ min: 0, max: 200 }),
  initial: fc.double({ min: 0, max: 0.5, noNaN: true }),
  rise: fc.double({ min: 0, max: 0.49, noNaN: true }),
  frequency: fc.integer({ min: 1, max: 300 }),
});

type Span = typeof span extends fc.Arbitrary<infer Value> ? Value : never;

const ramp = ({ start, length, initial, rise, frequency }: Span) => ({
  start,
  end: start + length,
  initial,
  final: initial + rise,
  frequency,
});

/** Every schedule keeps these promises; a new one is added here. */
const SCHEDULES: readonly [string, (span: Span) => Schedule, (span: Span) => number][] = [
  ["oneShot", ({ start, rise }) => oneShot({ step: start, sparsity: rise }), () => 0],
  ["gradual", (span) => gradual(ramp(span)), ({ initial }) => initial],
  ["cubic", (span) => cubic(ramp(span)), ({ initial }) => initial],
];

describe.each(SCHEDULES)("%s", (_, build, initialOf) => {
  it("prunes at its start and at its end, whatever the frequency, and never outside", () => {
    fc.assert(
      fc.property(span, (options) => {
        const schedule = build(options);
        expect(schedule.isPruningStep(schedule.start)).toBe(true);
        expect(schedule.isPruningStep(schedule.end)).toBe(true);
        expect(schedule.isPruningStep(schedule.start - 1)).toBe(false);
        expect(schedule.isPruningStep(schedule.end + 1)).toBe(false);
        expect(schedule.isPruningStep(schedule.end + options.frequency)).toBe(false);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("never falls, starts from the initial sparsity and stays at the final one", () => {
    fc.assert(
      fc.property(span, (options) => {
        const schedule = build(options);
        expect(schedule.sparsityAt(schedule.start - 1)).toBe(initialOf(options));
        let before = 0;
        for (let step = schedule.start - 2; step <= schedule.end + 2; step++) {
          const now = schedule.sparsityAt(step);
          expect(now).toBeGreaterThanOrEqual(before);
          expect(now).toBeLessThan(1);
          before = now;
        }
        expect(schedule.sparsityAt(schedule.end)).toBe(schedule.finalSparsity);
        expect(schedule.sparsityAt(Number.POSITIVE_INFINITY)).toBe(schedule.finalSparsity);
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it("has no sparsity at NaN", () => {
    const [options] = fc.sample(span, { seed: 3, numRuns: 1 });
    expect(coreErrorOf(() => build(options!).sparsityAt(Number.NaN)).code).toBe("invalid-argument");
  });
});

describe.each([
  ["gradual", gradual],
  ["cubic", cubic],
])("%s", (_, build) => {
  const good = { start: 0, end: 1000, final: 0.5, frequency: 300 };

  it("reaches its target where the frequency does not divide the span", () => {
    const schedule = build(good);
    const steps = Array.from({ length: 1200 }, (_, step) => step).filter((step) => schedule.isPruningStep(step));
    expect(steps).toEqual([0, 300, 600, 900, 1000]);
    expect(schedule.sparsityAt(1000)).toBe(0.5);
  });

  it("counts the frequency from the start", () => {
    const schedule = build({ start: 7, end: 20, final: 0.5, frequency: 5 });
    expect([5, 7, 10, 12, 17, 20].map((step) => schedule.isPruningStep(step))).toEqual([
      false,
      true,
      false,
      true,
      true,
      true,
    ]);
  });

  it("prunes at every step unless told otherwise", () => {
    const schedule = build({ start: 2, end: 4, final: 0.5 });
    expect([1, 2, 3, 4, 5].filter((step) => schedule.isPruningStep(step))).toEqual([2, 3, 4]);
  });

  it.each([
    [{ end: -1 }, "invalid-schedule", "the schedule's end is -1, expected an integer from 0"],
    [{ start: 1001 }, "invalid-schedule", "ends at step 1000 before it starts at step 1001"],
    [{ start: 0.5 }, "invalid-schedule", "the schedule's start is 0.5"],
    [{ frequency: 0 }, "invalid-schedule", "the schedule's frequency is 0, expected an integer from 1"],
    [{ frequency: Number.NaN }, "invalid-schedule", "the schedule's frequency is NaN"],
    [{ initial: 0.6 }, "invalid-schedule", "final sparsity 0.5 is below its initial 0.6"],
    [{ final: 1 }, "invalid-sparsity", "the sparsity is 1"],
    [{ initial: -0.1 }, "invalid-sparsity", "the sparsity is -0.1"],
  ])("refuses %o", (wrong, code, message) => {
    const error = coreErrorOf(() => build({ ...good, ...wrong }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});
