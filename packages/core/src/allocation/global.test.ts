import { allocateSparsity, parseAllocation } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

function allocate(importance: Record<string, number[]>, sparsity: number, maxSparsity?: number): number[] {
  const weights = Object.entries(importance).map(([name, values]) => ({ name, total: values.length, step: 1 }));
  const evidence = { importance: (name: string) => Float32Array.from(importance[name]!) };
  const strategy = parseAllocation("global");
  return [
    ...allocateSparsity(weights, {
      strategy,
      evidence,
      sparsity,
      ...(maxSparsity !== undefined && { maxSparsity }),
    }).values(),
  ];
}

describe("the allocation global", () => {
  // a / mean 2.5 = 0.4, 0.8, 1.2, 1.6; b / mean 25 = 0.04, 0.04, 0.04, 3.88. The 4 smallest: three of b, one of a.
  // Without the division all four of a would go; by the L2 norm (5.48; 97) the same as by the mean here.
  it("ranks entries by their multiple of the weight's mean, not by their size", () => {
    expect(allocate({ a: [1, 2, 3, 4], b: [1, 1, 1, 97] }, 0.5)).toEqual([0.25, 0.75]);
  });

  // b is a four times over. L2 norms 5.48 and 10.95 would halve the scores of b, and 10 would go from b alone.
  it("treats a small weight like a large one of the same kind", () => {
    const a = [1, 2, 3, 4];
    expect(allocate({ a, b: [...a, ...a, ...a, ...a] }, 0.5)).toEqual([0.5, 0.5]);
  });

  // All of a ranks below all of b but its last: 4 of 8 would empty a of 4 (limit 3), so b gives one.
  it("hands the turn of a weight at its limit to the others", () => {
    expect(allocate({ a: [0, 0, 0, 0], b: [1, 2, 3, 4] }, 0.5, 0.8)).toEqual([0.75, 0.25]);
  });

  it("prunes zeros first, wherever they are", () => {
    expect(allocate({ a: [0, 5, 0, 5], b: [1, 1, 1, 0] }, 0.375)).toEqual([0.5, 0.25]);
  });

  it("refuses importance of another length, and what cannot be ranked", () => {
    const evidence = { importance: () => Float32Array.of(1, Number.NaN) };
    const request = { strategy: parseAllocation("global"), evidence, sparsity: 0.5 };
    const short = coreErrorOf(() => allocateSparsity([{ name: "w", total: 3, step: 1 }], request));
    expect([short.code, short.weight]).toEqual(["shape-mismatch", "w"]);
    expect(coreErrorOf(() => allocateSparsity([{ name: "w", total: 2, step: 1 }], request)).code).toBe("not-finite");
  });
});
