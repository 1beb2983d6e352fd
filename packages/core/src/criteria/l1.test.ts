import { denseMatrix, l1 } from "@espalier/core";
import { describe, expect, it } from "vitest";

describe("l1", () => {
  it("is the magnitude, exact down to the smallest f32", () => {
    const values = new Float32Array([-2, 0.1, -0, 2 ** -149, 3e38]);
    expect(l1().score(denseMatrix("w", values, 1, 5), values)).toEqual(values.map(Math.abs));
  });

  it("ranks the whole weight together unless told otherwise", () => {
    expect(l1()).toMatchObject({ name: "l1", needsStatistics: false, defaultGroup: "layer" });
  });
});
