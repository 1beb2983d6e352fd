import type { Sample } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { digestSamples } from "./digest-samples.js";

const text = (...data: string[]): Sample => ({ t: { dtype: "string", dims: [1, data.length], data } });
const ids = { dtype: "int64", dims: [1, 2], data: BigInt64Array.of(1n, 2n) } as const;
const x = { dtype: "float32", dims: [1, 2], data: Float32Array.of(1, 2) } as const;

describe("digestSamples", () => {
  it("is the same for the same samples, whatever the order of their inputs and the memory they lie in", () => {
    const view = { ...x, data: Float32Array.of(9, 1, 2).subarray(1) };
    expect(digestSamples([{ ids, x }])).toMatch(/^[0-9a-f]{64}$/);
    expect(digestSamples([{ x: view, ids }])).toBe(digestSamples([{ ids, x }]));
  });

  it.each([
    ["elements", [{ x }], [{ x: { ...x, data: Float32Array.of(1, 3) } }]],
    ["sizes", [{ x }], [{ x: { ...x, dims: [2, 1] } }]],
    [
      "dtypes of the same bytes",
      [{ x }],
      [{ x: { dtype: "int32", dims: [1, 2], data: new Int32Array(x.data.buffer) } }],
    ],
    ["names", [{ x }], [{ y: x }]],
    ["order", [{ x }, { x: ids }], [{ x: ids }, { x }]],
    ["number", [{ x }], [{ x }, { x }]],
    ["where one text ends", [text("a,", "b")], [text("a", ",b")]],
    ["texts that look like two", [text('a","b')], [text("a", "b")]],
  ] as [string, Sample[], Sample[]][])("differs with %s", (_, some, others) => {
    expect(digestSamples(some)).not.toBe(digestSamples(others));
  });
});
