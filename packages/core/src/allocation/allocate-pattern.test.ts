import {
  allocatePattern,
  balancedBlocks,
  block,
  columns,
  computeMasks,
  l1,
  nm,
  nnz,
  type Pattern,
  parseAllocation,
  prunedCount,
  rows,
  sparsityStep,
  unstructured,
  type WeightView,
} from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";
import { matMul, viewOf } from "../../test-support/views.js";

/** A MatMul weight of K × N with values that all differ. */
function view(name: string, k: number, n: number): WeightView {
  return viewOf(
    name,
    matMul(k, n),
    Float32Array.from({ length: k * n }, (_, i) => ((i * 7919) % 10007) + 1),
  );
}

const PATTERNS: readonly [string, Pattern][] = [
  ["unstructured by layer", unstructured(0.6, { group: "layer" })],
  ["unstructured by row", unstructured(0.6, { group: "row" })],
  ["rows", rows(0.6)],
  ["columns", columns(0.6)],
  ["block:4x2", block(4, 2, 0.6)],
  ["blocks:2x8", balancedBlocks(2, 8, 0.6)],
];

describe("allocatePattern", () => {
  const shares = new Map([
    ["a", 0.01],
    ["b", 0.03],
    ["c", 0.05],
  ]);
  const owl = { strategy: parseAllocation("owl"), evidence: { outliers: { shares, spread: 0.2 } } };

  // All sizes are multiples of every tile, so a step is the same number of entries wherever it falls.
  it.each(PATTERNS)("gives sparsities at which the pattern prunes what was allotted: %s", (_, pattern) => {
    const views = [view("a", 40, 16), view("b", 60, 24), view("c", 80, 8)];
    const allocated = allocatePattern(views, { pattern, ...owl });
    const pruned = views.map((each) => {
      const own = allocated.get(each.name)!;
      const { mask } = computeMasks([each], { criterion: l1(), pattern: own }).get(each.name)!;
      const step = sparsityStep(each, pattern);
      expect(mask.length - nnz(mask)).toBe(step * prunedCount(mask.length / step, own.sparsity));
      return mask.length - nnz(mask);
    });
    const total = views.reduce((sum, each) => sum + each.inFeatures * each.outChannels, 0);
    const steps = views.map((each) => sparsityStep(each, pattern));
    const off = pruned.reduce((sum, count) => sum + count, 0) - prunedCount(total, 0.6);
    expect(Math.abs(off)).toBeLessThanOrEqual(Math.min(...steps) / 2);
    expect(pruned[0]! / (40 * 16)).toBeGreaterThan(pruned[2]! / (80 * 8));
    expect([...allocated.values()].map(({ spec, group }) => [spec, group])).toEqual(
      views.map(() => [pattern.spec, pattern.group]),
    );
  });

  it("leaves N:M as it is under uniform, and refuses every other allocation", () => {
    const views = [view("a", 8, 4), view("b", 8, 8)];
    const uniform = allocatePattern(views, { pattern: nm(2, 4), strategy: parseAllocation("uniform") });
    expect([...uniform].map(([name, { spec }]) => [name, spec])).toEqual([
      ["a", "2:4"],
      ["b", "2:4"],
    ]);
    const error = coreErrorOf(() => allocatePattern(views, { pattern: nm(2, 4), ...owl }));
    expect(error.code).toBe("invalid-sparsity");
    expect(error.message).toContain("2:4 fixes its sparsity (0.5) for every weight, so the allocation owl has nothing");
  });

  it("takes what an entry costs from the caller", () => {
    const views = [view("a", 10, 10), view("b", 10, 10)];
    const table = { sparsities: [0.9], errors: [1] };
    const sensitivity = new Map([
      ["a", table],
      ["b", table],
    ]);
    const allocated = allocatePattern(views, {
      pattern: unstructured(0.3, { group: "layer" }),
      strategy: parseAllocation("sensitivity"),
      evidence: { sensitivity },
      costOf: ({ name }) => (name === "a" ? 4 : 1),
    });
    // 0.3 · 500 = 150: 37 entries of a save 148 at a quarter of the error, 2 of b the rest.
    expect([...allocated.values()].map(({ sparsity }) => sparsity)).toEqual([0.37, 0.02]);
  });
});

describe("sparsityStep", () => {
  const conv = viewOf(
    "conv",
    [
      { role: "out", size: 6, step: 1 },
      { role: "in", size: 4, step: 9 },
      { role: "kernel", size: 9, step: 1 },
    ],
    new Float32Array(216),
    { groups: 2 },
  );

  it.each<[Pattern, number]>([
    [unstructured(0.5), 1],
    [unstructured(0.5, { group: "row" }), 6],
    [rows(0.5), 36],
    [columns(0.5), 3],
    [block(3, 9, 0.5), 27],
    [balancedBlocks(6, 3, 0.5), 36],
    // 3 out channels of a group in tiles of 2: 2 tile rows a group, 4 in all, times ⌈36 / 10⌉ = 4.
    [block(2, 10, 0.5), 13.5],
  ])("is the number of entries that go together: %o is %d", (pattern, step) => {
    expect(sparsityStep(conv, pattern)).toBe(step);
  });

  it("refuses N:M, a ranking over the whole model, and patterns it does not know", () => {
    expect(coreErrorOf(() => sparsityStep(conv, nm(2, 4))).code).toBe("invalid-sparsity");
    expect(coreErrorOf(() => sparsityStep(conv, unstructured(0.5, { group: "model" }))).code).toBe("invalid-pattern");
    expect(coreErrorOf(() => sparsityStep(conv, { ...rows(0.5), spec: "spots" })).message).toContain(
      "the pattern spots",
    );
  });
});
