import type { Axis, AxisRole } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { viewOf } from "../../test-support/views.js";
import { inputAxis } from "./input-axis.js";

function axisOf(...axes: [AxisRole, number, number][]): ReturnType<typeof inputAxis> {
  const described = axes.map(([role, size, step]): Axis => ({ role, size, step }));
  return inputAxis(viewOf("w", described, []));
}

describe("inputAxis", () => {
  it("finds the reduction axis of MatMul, Gemm, Conv and grouped ConvTranspose", () => {
    expect(axisOf(["in", 8, 1], ["out", 5, 1])).toEqual({ outer: 1, size: 8, inner: 5 });
    expect(axisOf(["out", 5, 1], ["in", 8, 1])).toEqual({ outer: 5, size: 8, inner: 1 });
    expect(axisOf(["out", 5, 1], ["in", 8, 9], ["kernel", 9, 1])).toEqual({ outer: 5, size: 8, inner: 9 });
    expect(axisOf(["out", 2, 3], ["in", 4, 9], ["out", 3, 1], ["kernel", 9, 1])).toEqual({
      outer: 2,
      size: 4,
      inner: 27,
    });
  });

  it("joins adjacent pieces that continue each other, across axes of size 1", () => {
    expect(axisOf(["out", 5, 1], ["in", 2, 4], ["out", 1, 5], ["in", 4, 1])).toEqual({ outer: 5, size: 8, inner: 1 });
  });

  it("takes a weight without input axis as one channel", () => {
    expect(axisOf(["out", 5, 1], ["in", 1, 9], ["kernel", 9, 1])).toEqual({ outer: 1, size: 1, inner: 45 });
  });

  it("says why there is none", () => {
    expect(axisOf(["in", 2, 4], ["out", 5, 1], ["in", 4, 1])).toContain("separate axes");
    expect(axisOf(["in", 4, 1], ["in", 2, 4], ["out", 5, 1])).toContain("not in order");
  });
});
