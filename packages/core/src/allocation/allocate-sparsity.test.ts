import {
  ALLOCATION_NAMES,
  type AllocatableWeight,
  type AllocationEvidence,
  type AllocationRequest,
  allocateSparsity,
  parseAllocation,
  prunedCount,
} from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

const weight = (name: string, total: number, step = 1, cost?: number): AllocatableWeight => {
  return { name, total, step, ...(cost !== undefined && { cost }) };
};

function allocate(
  weights: readonly AllocatableWeight[],
  sparsity: number,
  more: Partial<AllocationRequest> = {},
): number[] {
  return [...allocateSparsity(weights, { strategy: parseAllocation("uniform"), sparsity, ...more }).values()];
}

/** Entries that a pattern prunes at these sparsities: it counts steps. */
function entriesOf(weights: readonly AllocatableWeight[], sparsities: readonly number[]): number[] {
  return weights.map(({ total, step }, index) => prunedCount(Math.round(total / step), sparsities[index]!) * step);
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Evidence for any weights, from a seed: skewed importance, shares of outliers, convex and other tables. */
function evidenceFor(weights: readonly AllocatableWeight[], seed: number): AllocationEvidence {
  const index = new Map(weights.map(({ name }, i) => [name, i + seed]));
  const hashed = (i: number): number => ((i * 7919 + 104729) % 1009) / 1009;
  return {
    importance: (name) => {
      const { total } = weights.find((each) => each.name === name)!;
      return Float32Array.from(
        { length: total },
        (_, i) => hashed(i + index.get(name)!) ** (1 + (index.get(name)! % 4)),
      );
    },
    outliers: { shares: new Map(weights.map(({ name }) => [name, hashed(index.get(name)!)])) },
    sensitivity: new Map(
      weights.map(({ name }) => {
        const sparsities = [0.25, 0.5, 0.75, 0.9, 0.99];
        return [name, { sparsities, errors: sparsities.map((_, i) => hashed(index.get(name)! + i) * i) }];
      }),
    ),
  };
}

/** One to six weights, some of them with rows (`step` above 1). */
const arbitraryWeights = fc
  .array(fc.record({ steps: fc.integer({ min: 1, max: 300 }), step: fc.constantFrom(1, 1, 1, 4, 12, 30) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((sizes) => sizes.map(({ steps, step }, index) => weight(`w${index}`, steps * step, step)));

describe.each(ALLOCATION_NAMES)("the allocation %s", (name) => {
  const strategy = parseAllocation(name);
  const target = fc.integer({ min: 0, max: 95 }).map((percent) => percent / 100);

  it("meets the total exactly where steps are single entries, and stays in its limits", () => {
    fc.assert(
      fc.property(arbitraryWeights, target, fc.nat(50), (given, sparsity, seed) => {
        const weights = given.map(({ name: each, total }) => weight(each, total));
        const sparsities = allocate(weights, sparsity, { strategy, evidence: evidenceFor(weights, seed) });
        const total = sum(weights.map((each) => each.total));
        const room = sum(weights.map((each) => Math.min(Math.floor(each.total * 0.98 + 1e-9), each.total - 1)));
        expect(sum(entriesOf(weights, sparsities))).toBe(Math.min(prunedCount(total, sparsity), room));
        for (const each of sparsities) expect(each >= 0 && each <= 0.98).toBe(true);
      }),
      { seed: 1, numRuns: 150 },
    );
  });

  it("stays within the largest step of the total for mixed steps, and exact where single entries have room", () => {
    fc.assert(
      fc.property(arbitraryWeights, target, fc.nat(50), (weights, sparsity, seed) => {
        const sparsities = allocate(weights, sparsity, { strategy, evidence: evidenceFor(weights, seed) });
        const entries = entriesOf(weights, sparsities);
        const goal = prunedCount(sum(weights.map((each) => each.total)), sparsity);
        const most = weights.map(({ total, step }) => {
          const steps = Math.round(total / step);
          return step * Math.min(Math.floor(steps * 0.98 + 1e-9), steps - 1);
        });
        const hasRoom = weights.map((_, i) => entries[i]! < most[i]!);
        const steps = weights.filter((_, i) => hasRoom[i]).map(({ step }) => step);
        // Below the total by less than the smallest step that could still be taken.
        if (steps.length > 0) expect(goal - sum(entries)).toBeLessThan(Math.min(...steps));
        expect(sum(entries) - goal).toBeLessThan(Math.max(...weights.map(({ step }) => step)));
        const single = weights.some(({ step }, i) => step === 1 && hasRoom[i] && entries[i]! > 0);
        if (single) expect(sum(entries)).toBe(goal);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it("prunes nothing at sparsity 0, and gives the same answer every time", () => {
    const weights = [weight("a", 10), weight("b", 30, 3)];
    const request = { strategy, evidence: evidenceFor(weights, 3) };
    expect(allocate(weights, 0, request)).toEqual([0, 0]);
    expect(allocate(weights, 0.37, request)).toEqual(allocate(weights, 0.37, request));
  });

  if (strategy.needs === undefined) return;

  it("names the evidence that is missing", () => {
    const error = coreErrorOf(() => allocate([weight("a", 10)], 0.5, { strategy }));
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toBe(`the allocation ${name} needs ${strategy.needs}: give it`);
  });
});

describe("allocateSparsity", () => {
  // Targets 1.5, 1.5, 1.5, 1.5: 6 in all. Each by itself, halves down, would make 4; halves up 8.
  it("divides what is left by largest remainder, the earlier weight first", () => {
    const weights = ["a", "b", "c", "d"].map((name) => weight(name, 3));
    expect(entriesOf(weights, allocate(weights, 0.5))).toEqual([2, 2, 1, 1]);
  });

  // Rows of 7: 0.5 of 70 is 5 rows, of 21 it is 1.5 rows. 91 entries at 0.5 are 45 (halves down), 6 or 7 rows: 42 is nearer.
  it("comes as near to the total as whole rows allow", () => {
    const weights = [weight("a", 70, 7), weight("b", 21, 7)];
    expect(entriesOf(weights, allocate(weights, 0.5))).toEqual([35, 7]);
  });

  // Rows of 100: 3.5 of 7; halves down, so 3 and 50 entries too few, which the weight of single entries makes up for.
  it("lets fine weights make up for what coarse ones round", () => {
    const weights = [weight("fine", 300), weight("coarse", 700, 100)];
    expect(entriesOf(weights, allocate(weights, 0.5))).toEqual([200, 300]);
  });

  it("leaves no weight with less than it may keep, and lets the others pay", () => {
    const shares = new Map([
      ["a", 0],
      ["b", 1],
    ]);
    const strategy = parseAllocation("owl");
    const weights = [weight("a", 100), weight("b", 100)];
    const more = { strategy, evidence: { outliers: { shares, spread: 0.2 } }, maxSparsity: 0.9 };
    expect(allocate(weights, 0.85, more)).toEqual([0.9, 0.8]);
  });

  it("counts in what entries cost: 0.5 of 10 · 1 + 10 · 9 is 50, whoever pays it", () => {
    const weights = [weight("cheap", 10), weight("dear", 10, 1, 9)];
    const sensitivity = new Map([
      ["cheap", { sparsities: [0.9], errors: [9] }],
      ["dear", { sparsities: [0.9], errors: [9] }],
    ]);
    // The same error for 9 times as much: 5 dear entries save 45, and 5 cheap ones the rest.
    const more = { strategy: parseAllocation("sensitivity"), evidence: { sensitivity } };
    expect(allocate(weights, 0.5, more)).toEqual([0.5, 0.5]);
    // Where cheap entries are free all 9 go first, but 9 + 4 · 9 is 45 and 9 + 5 · 9 is 54: the total comes first.
    const free = new Map([...sensitivity, ["cheap", { sparsities: [0.9], errors: [0] }]]);
    expect(allocate(weights, 0.5, { ...more, evidence: { sensitivity: free } })).toEqual([0.5, 0.5]);
    expect(allocate(weights, 0.09, { ...more, evidence: { sensitivity: free } })).toEqual([0.9, 0]);
  });

  it.each<[string, () => unknown, string, string]>([
    [
      "a target of 1",
      () => allocate([weight("a", 5)], 1),
      "invalid-sparsity",
      "expected a fraction of zeros in [0, 1)",
    ],
    ["a target above the limit", () => allocate([weight("a", 5)], 0.99), "invalid-sparsity", "none may be above 0.98"],
    ["a limit of 1", () => allocate([weight("a", 5)], 0.5, { maxSparsity: 1 }), "invalid-sparsity", "is 1, expected"],
    [
      "steps that do not fill",
      () => allocate([weight("a", 10, 3)], 0.5),
      "invalid-argument",
      '"a" has 10 entries in steps of 3',
    ],
    ["no entries", () => allocate([weight("a", 0)], 0.5), "invalid-argument", "0 entries"],
    ["a cost of 0", () => allocate([weight("a", 9, 1, 0)], 0.5), "invalid-argument", "costs 0"],
    ["a name twice", () => allocate([weight("a", 9), weight("a", 9)], 0.5), "duplicate-weight", '"a"'],
    ["an unknown strategy", () => parseAllocation("best"), "invalid-argument", "uniform, global, owl, sensitivity"],
  ])("refuses %s", (_, action, code, message) => {
    const error = coreErrorOf(action);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});
