import { block, computeMasks, denseMatrix, l1, l2, Mask } from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("l2", () => {
  it("is the square", () => {
    const values = new Float32Array([-3, 0.5, 0, -0]);
    expect(l2().score(denseMatrix("w", values, 2, 2), values)).toEqual(new Float32Array([9, 0.25, 0, 0]));
  });

  it("chooses other blocks than l1: squares favour one large entry", () => {
    // |3| + |0| < |2| + |2|, but 9 + 0 > 4 + 4
    const view = denseMatrix("w", new Float32Array([3, 0, 2, 2]), 2, 2);
    const pattern = block(1, 2, 0.5);
    expect(computeMasks([view], { criterion: l1(), pattern }).get("w")!.mask).toEqual(Mask.from([0, 0, 1, 1]));
    expect(computeMasks([view], { criterion: l2(), pattern }).get("w")!.mask).toEqual(Mask.from([1, 1, 0, 0]));
  });

  it("keeps the ranking of every two f32 magnitudes whose squares f32 can hold", () => {
    // Neighbours in f32: squaring doubles their relative distance, so that rounding to f32 cannot join them.
    const bits = new Uint32Array(1);
    const float = new Float32Array(bits.buffer);
    const lowest = Math.fround(1.1e-19);
    fc.assert(
      fc.property(fc.float({ min: lowest, max: Math.fround(1.8e19), noNaN: true }), (value) => {
        float[0] = value;
        bits[0]!++;
        const pair = new Float32Array([value, float[0]!]);
        const [lower, higher] = l2().score(denseMatrix("w", pair, 1, 2), pair);
        expect(lower).toBeLessThan(higher!);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it("saturates: 1e20 is as important as f32 can say, 1e-30 more than zero", () => {
    const values = new Float32Array([1e20, -3e38, 1e-30, 0]);
    const largest = Math.fround((2 - 2 ** -23) * 2 ** 127);
    expect(l2().score(denseMatrix("w", values, 1, 4), values)).toEqual(
      new Float32Array([largest, largest, 2 ** -149, 0]),
    );
  });
});
