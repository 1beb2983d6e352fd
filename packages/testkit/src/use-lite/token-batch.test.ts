import { tokenBatch } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

describe("tokenBatch", () => {
  it("pads on the right with 0 and masks the padding", () => {
    const { input_ids, attention_mask } = tokenBatch(["the", "the the a"]);
    expect(input_ids).toEqual({
      dtype: "int64",
      dims: [2, 3],
      data: BigInt64Array.of(9n, 0n, 0n, 9n, 9n, 11n),
    });
    expect(attention_mask).toEqual({
      dtype: "int64",
      dims: [2, 3],
      data: BigInt64Array.of(1n, 0n, 0n, 1n, 1n, 1n),
    });
  });

  it("gives an empty text one masked position", () => {
    const { input_ids, attention_mask } = tokenBatch([""]);
    expect(input_ids.dims).toEqual([1, 1]);
    expect([...attention_mask.data]).toEqual([0n]);
  });

  it("refuses an empty list", () => {
    expect(() => tokenBatch([])).toThrow(RangeError);
  });
});
