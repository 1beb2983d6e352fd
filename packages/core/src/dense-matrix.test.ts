import { denseMatrix } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../test-support/errors.js";

describe("denseMatrix", () => {
  it("is row-major, out channels outermost", () => {
    const view = denseMatrix("w", new Float32Array(6), 2, 3);
    expect({ ...view, read: undefined }).toEqual({
      name: "w",
      outChannels: 2,
      inFeatures: 3,
      groups: 1,
      axes: [
        { role: "out", size: 2, step: 1 },
        { role: "in", size: 3, step: 1 },
      ],
      read: undefined,
    });
  });

  it("reads what training made of the array", () => {
    const values = new Float32Array([1, 2]);
    const view = denseMatrix("w", values, 1, 2);
    values[0] = 7;
    expect(view.read()).toEqual(new Float32Array([7, 2]));
  });

  it("reads the current array of a framework that replaces it", () => {
    let values = new Float64Array([1, 2]);
    const view = denseMatrix("w", () => values, 2, 1);
    values = new Float64Array([3, 4]);
    expect(view.read()).toEqual(new Float64Array([3, 4]));
  });

  it("refuses an array of another length, naming both", () => {
    const error = coreErrorOf(() => denseMatrix("w", new Float32Array(5), 2, 3));
    expect(error.code).toBe("shape-mismatch");
    expect(error.message).toContain('weight "w" has 5 values, expected 2 × 3 = 6');
    expect(coreErrorOf(() => denseMatrix("w", () => new Float32Array(5), 2, 3).read()).code).toBe("shape-mismatch");
  });
});
