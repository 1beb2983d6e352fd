import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shareOut } from "./share-out.js";

describe("shareOut", () => {
  it("meets a total that no block size divides", () => {
    expect(shareOut(10, [8, 8, 5], [0, 0, 0])).toEqual([4, 4, 2]);
    expect(shareOut(50, [128, 128, 1], [0, 0, 0])).toEqual([25, 25, 0]);
  });

  it("takes the zeros that are there first, wherever they are", () => {
    expect(shareOut(6, [8, 8], [4, 0])).toEqual([5, 1]);
    expect(shareOut(3, [8, 8], [4, 2])).toEqual([2, 1]);
  });

  it("meets every total, and gives no block more than it has", () => {
    const block = fc
      .integer({ min: 0, max: 50 })
      .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size })));
    const blocks = fc.array(block, { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(blocks, fc.double({ min: 0, max: 1, noNaN: true }), (pairs, share) => {
        const sizes = pairs.map(([size]) => size);
        const zeros = pairs.map(([, zero]) => zero);
        const total = Math.round(sizes.reduce((a, b) => a + b, 0) * share);
        const shares = shareOut(total, sizes, zeros);
        expect(shares.reduce((a, b) => a + b, 0)).toBe(total);
        expect(shares.every((count, i) => count >= 0 && count <= sizes[i]!)).toBe(true);
      }),
      { seed: 1 },
    );
  });
});
