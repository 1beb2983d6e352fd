import {
  and,
  applyMask,
  type Criterion,
  computeMasks,
  conforms,
  l1,
  l2,
  Mask,
  parsePattern,
  random,
  type WeightView,
  wanda,
} from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PATTERN_CASES } from "../../test-support/pattern-cases.js";
import { referenceKept } from "../../test-support/reference.js";
import { arbitraryView, statisticsFor, withValues } from "../../test-support/views.js";

const CRITERIA: readonly Criterion[] = [l1(), l2(), wanda(), random(3)];
const percentage = fc.integer({ min: 0, max: 99 });

describe.each(PATTERN_CASES)("$name", (pattern) => {
  const { build, reference, needsAxes, channelMultiple = 1 } = pattern;
  const weights = fc.tuple(arbitraryView("a", { channelMultiple }), arbitraryView("b", { channelMultiple }));
  const masksOf = (views: readonly WeightView[], criterion: Criterion, percent: number): Mask[] => {
    const request = { criterion, pattern: build(percent), statistics: statisticsFor(views) };
    return [...computeMasks(views, request).values()].map(({ mask }) => mask);
  };

  it("prunes what a plain sort in f64 prunes, for every criterion, size and layout", () => {
    fc.assert(
      fc.property(weights, percentage, fc.constantFrom(...CRITERIA), (views, percent, criterion) => {
        const statistics = statisticsFor(views);
        const importances = views.map((view) => criterion.score(view, view.read(), statistics.get(view.name)));
        const expected = referenceKept(views, importances, reference(percent));
        expect(masksOf(views, criterion, percent)).toEqual(expected.map((kept) => Mask.from(kept)));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("prunes a pruned weight to itself, for every criterion", () => {
    fc.assert(
      fc.property(weights, percentage, fc.constantFrom(...CRITERIA), (views, percent, criterion) => {
        const once = masksOf(views, criterion, percent);
        const pruned = views.map((view, i) => withValues(view, applyMask(view.read(), once[i]!)));
        const twice = masksOf(pruned, criterion, percent);
        expect(twice).toEqual(once);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it("never keeps more as the sparsity grows", () => {
    fc.assert(
      fc.property(weights, percentage, percentage, fc.constantFrom(...CRITERIA), (views, p, q, criterion) => {
        const low = masksOf(views, criterion, Math.min(p, q));
        const high = masksOf(views, criterion, Math.max(p, q));
        for (const [i, mask] of high.entries()) expect(and(mask, low[i]!)).toEqual(mask);
      }),
      { seed: 3, numRuns: 100 },
    );
  });

  it("makes masks and values that conform, and finds fault where any pruned entry comes back", () => {
    fc.assert(
      fc.property(weights, percentage, fc.nat(), (views, percent, choice) => {
        const resolved = build(percent);
        const masks = masksOf(views, l1(), percent);
        for (const [i, view] of views.entries()) {
          const mask = masks[i]!;
          expect(conforms(mask, view, resolved)).toEqual({ ok: true });
          const zeroed = applyMask(new Float32Array(mask.length).fill(1), mask);
          expect(conforms(zeroed, view, resolved)).toEqual({ ok: true });
          const gone = [...zeroed.keys()].filter((index) => zeroed[index] === 0);
          if (gone.length === 0 || pattern.acrossWeights) continue;
          zeroed[gone[choice % gone.length]!] = 1;
          expect(conforms(zeroed, view, resolved).ok).toBe(false);
          expect(conforms(Mask.ofNonZeros(zeroed), view, resolved).ok).toBe(false);
        }
      }),
      { seed: 4, numRuns: 150 },
    );
  });

  it("is read back from its spec", () => {
    const built = build(30);
    const parsed = parsePattern(built.spec, built.withSparsity && 0.3, built.group);
    expect({ ...parsed, ...functionsOf(parsed) }).toEqual({ ...built, ...functionsOf(parsed) });
  });

  it("refuses a weight whose axes conflict exactly where it needs axes", () => {
    const [view] = fc.sample(arbitraryView("w", { channelMultiple }), { seed: 5, numRuns: 1 });
    const torn = { ...view!, axisConflict: "two consumers disagree" };
    expect(build(50).eligibility(view!)).toBeUndefined();
    if (needsAxes) expect(build(50).eligibility(torn)).toContain("two consumers disagree");
    else expect(build(50).eligibility(torn)).toBeUndefined();
    if (needsAxes) expect(conforms(view!.read(), torn, build(0))).toMatchObject({ ok: false });
  });

  it("takes another sparsity, unless it fixes its own", () => {
    const other = build(30).withSparsity?.(0.7);
    if (channelMultiple > 1) expect(other).toBeUndefined();
    else expect(other).toMatchObject({ spec: build(30).spec, sparsity: 0.7 });
  });
});

/** Functions are new in every pattern: they are taken from one side to compare the rest. */
function functionsOf(pattern: object): object {
  return Object.fromEntries(Object.entries(pattern).filter(([, member]) => typeof member === "function"));
}
