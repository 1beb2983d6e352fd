import { applyMask, Mask } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

const hex = (array: Float32Array | Float64Array): string =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("hex");

describe.each([Float32Array, Float64Array])("applyMask to a %o", (Values) => {
  it("keeps kept entries bit for bit and makes pruned ones +0", () => {
    const values = new Values([-1.5, -2.5, -0, 3.25, Number.NEGATIVE_INFINITY, 0.1]);
    const kept = new Values([-1.5, 0, -0, 0, 0, 0.1]);
    expect(hex(applyMask(values, Mask.from([1, 0, 1, 0, 0, 1])))).toBe(hex(kept));
  });

  it("makes a pruned NaN and a pruned −0 +0: it selects, it does not multiply", () => {
    expect(hex(applyMask(new Values([Number.NaN, -0, -1]), Mask.from([0, 0, 0])))).toBe(hex(new Values(3)));
  });

  it("leaves its input as it was", () => {
    const values = new Values([1, 2, 3]);
    const pruned = applyMask(values, Mask.from([0, 0, 1]));
    expect(values).toEqual(new Values([1, 2, 3]));
    expect(pruned).toEqual(new Values([0, 0, 3]));
    expect(pruned.buffer).not.toBe(values.buffer);
  });

  it("refuses values of another length", () => {
    expect(coreErrorOf(() => applyMask(new Values(3), Mask.keepAll(4))).code).toBe("shape-mismatch");
  });
});
