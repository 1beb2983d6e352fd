import { type Axis, computeMasks, denseMatrix, l1, Mask, nm, type WeightView } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";
import { matMul, viewOf } from "../../test-support/views.js";

function maskOf(view: WeightView, n: number, m: number): Mask {
  return computeMasks([view], { criterion: l1(), pattern: nm(n, m) }).get(view.name)!.mask;
}

function axis(role: Axis["role"], size: number, step: number): Axis {
  return { role, size, step };
}

describe("nm", () => {
  it("keeps N of M, not zeros N of M: 1:4 keeps one", () => {
    const view = denseMatrix("w", new Float32Array([1, -4, 3, 2, 8, 7, 6, 5]), 1, 8);
    expect(maskOf(view, 1, 4)).toEqual(Mask.from([0, 1, 0, 0, 1, 0, 0, 0]));
  });

  it("carries its own sparsity", () => {
    expect([nm(2, 4), nm(1, 4), nm(1, 3)].map(({ sparsity }) => sparsity)).toEqual([0.5, 0.75, 2 / 3]);
  });

  it("still keeps exactly N where all are equal, the higher indices", () => {
    expect(maskOf(denseMatrix("w", new Float32Array(8), 1, 8), 2, 4)).toEqual(Mask.from([0, 0, 1, 1, 0, 0, 1, 1]));
    expect(maskOf(denseMatrix("w", new Float32Array(4).fill(-7), 1, 4), 3, 4)).toEqual(Mask.from([0, 1, 1, 1]));
  });

  it("groups a MatMul weight [K, N] along K, not along the buffer", () => {
    // One row per k. Along K every column keeps its last two; along N every row would keep two of its four.
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 90, 10, 11, 12, 13, 14, 15, 160];
    const kept = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];
    expect(maskOf(viewOf("w", matMul(4, 4), values), 2, 4)).toEqual(Mask.from(kept));
  });

  it("groups a 3×3 convolution along input channels, for each kernel position by itself", () => {
    // [1, 4, 3, 3] with 9·channel + position, but the channels of odd positions reversed.
    const values = Array.from({ length: 36 }, (_, i) => {
      const channel = Math.floor(i / 9);
      return 1 + ((i % 9) % 2 === 0 ? channel : 3 - channel);
    });
    const view = viewOf("w", [axis("out", 1, 1), axis("in", 4, 9), axis("kernel", 9, 1)], values);
    const kept = values.map((value) => value >= 3);
    expect(maskOf(view, 2, 4)).toEqual(Mask.from(kept));
  });

  it("never mixes the groups of a ConvTranspose", () => {
    // Two groups of two input channels: all of them together would make a group of four.
    const axes = [axis("out", 2, 1), axis("in", 2, 1), axis("out", 1, 1), axis("kernel", 1, 1)];
    const view = viewOf("w", axes, [9, 8, 1, 2], { groups: 2 });
    expect(maskOf(view, 1, 2)).toEqual(Mask.from([1, 0, 0, 1]));
    expect(nm(2, 4).eligibility(view)).toBe("its 2 input channels are no multiple of 4");
  });

  it("refuses K = 6 for 2:4 instead of padding, naming both numbers", () => {
    const view = viewOf("w", matMul(6, 4), new Float32Array(24));
    expect(nm(2, 4).eligibility(view)).toBe("its 6 input channels are no multiple of 4");
    const error = coreErrorOf(() => maskOf(view, 2, 4));
    expect(error).toMatchObject({
      code: "unsupported",
      refusals: [{ name: "w", reason: "its 6 input channels are no multiple of 4" }],
    });
  });

  it("refuses a depthwise convolution, whose positions are no input channels", () => {
    const view = viewOf("w", [axis("out", 8, 1), axis("in", 1, 4), axis("kernel", 4, 1)], new Float32Array(32), {
      groups: 8,
    });
    expect(nm(2, 4).eligibility(view)).toBe("its 1 input channels are no multiple of 4");
  });

  it("refuses input channels in separate axes", () => {
    const view = viewOf("w", [axis("in", 2, 4), axis("out", 3, 1), axis("in", 4, 1)], new Float32Array(24));
    expect(nm(2, 4).eligibility(view)).toBe("its input channels lie in separate axes of the buffer");
  });

  it.each([
    [4, 2],
    [2, 2],
    [0, 4],
    [2, 65],
    [1.5, 4],
    [2, Number.NaN],
  ])("refuses %d:%d", (n, m) => {
    const error = coreErrorOf(() => nm(n, m));
    expect(error.code).toBe("invalid-pattern");
    expect(error.message).toBe(
      `the pattern is ${n}:${m}, expected N:M with 1 ≤ N < M ≤ 64 (keep N of every M), such as 2:4`,
    );
  });

  it("takes the longest group there is", () => {
    const view = denseMatrix(
      "w",
      Float32Array.from({ length: 64 }, (_, i) => (i === 5 ? 1 : 0)),
      1,
      64,
    );
    expect(maskOf(view, 1, 64).keeps(5)).toBe(true);
  });
});
