import { checkFeeds, openRunner, randomFeeds, type ValueInfo } from "@espalier/runtime";
import { ocrModelPath } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

const DTYPES = [
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "bool",
  "string",
] as const;
const inputs: ValueInfo[] = DTYPES.map((dtype) => ({ name: dtype, dtype, dims: ["batch", 3, null] }));

describe("randomFeeds", () => {
  it("fits the inputs, whatever their dtype", () => {
    const feeds = randomFeeds(inputs);
    checkFeeds(feeds, inputs);
    expect(Object.values(feeds).map(({ dims }) => dims)).toEqual(DTYPES.map(() => [1, 3, 32]));
  });

  it("gives the same feeds for the same seed and others for another", () => {
    expect(randomFeeds(inputs, { seed: 5 })).toEqual(randomFeeds(inputs, { seed: 5 }));
    expect(randomFeeds(inputs, { seed: 6 })).not.toEqual(randomFeeds(inputs, { seed: 5 }));
    expect(randomFeeds(inputs)).toEqual(randomFeeds(inputs, { seed: 0 }));
  });

  it("does not change from version to version: a known start", () => {
    const [info] = inputs;
    // Mulberry32 from seed 1 begins 0.6270739405881613, 0.002735721180215478, …; bits are 1 below one half.
    expect([...randomFeeds([{ ...info!, dtype: "uint8", dims: [2] }], { seed: 1 }).float32!.data]).toEqual([0, 1]);
  });

  it("takes sizes for symbolic dims by name; the same name has the same size everywhere", () => {
    const two: ValueInfo[] = [
      { name: "a", dtype: "float32", dims: ["batch", "seq"] },
      { name: "b", dtype: "int64", dims: ["batch", "seq", 2] },
      { name: "c", dtype: "float32", dims: [] },
      { name: "d", dtype: "float32", dims: [0, "toString"] },
    ];
    const feeds = randomFeeds(two, { dims: { batch: 4, seq: 7, unused: 9 } });
    expect(Object.values(feeds).map(({ dims }) => dims)).toEqual([[4, 7], [4, 7, 2], [], [0, 32]]);
    checkFeeds(feeds, two);
  });

  it("draws floats of mean 0 and variance 1, and integers of 0 and 1", () => {
    const { f, i } = randomFeeds([
      { name: "f", dtype: "float64", dims: [10_000] },
      { name: "i", dtype: "int64", dims: [10_000] },
    ]);
    const floats = f!.data as Float64Array;
    const mean = floats.reduce((sum, value) => sum + value, 0) / 10_000;
    const variance = floats.reduce((sum, value) => sum + value * value, 0) / 10_000;
    // Standard errors are 0.01 and about 0.014: five of them.
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(Math.abs(variance - 1)).toBeLessThan(0.07);
    const ones = (i!.data as BigInt64Array).filter((value) => value === 1n).length;
    expect(new Set(i!.data as BigInt64Array)).toEqual(new Set([0n, 1n]));
    expect(Math.abs(ones - 5000)).toBeLessThan(250);
  });

  it("masks nothing out", () => {
    const feeds = randomFeeds([
      { name: "attention_mask", dtype: "int64", dims: [1, 50] },
      { name: "Mask", dtype: "bool", dims: [1, 50] },
    ]);
    expect(new Set(feeds.attention_mask!.data as BigInt64Array)).toEqual(new Set([1n]));
    expect(new Set(feeds.Mask!.data as Uint8Array)).toEqual(new Set([1]));
  });

  it.each(["recognition", "detection", "classification"] as const)("runs PP-OCR's %s model", async (name) => {
    const runner = await openRunner(ocrModelPath(name));
    const results = await runner.run(randomFeeds(runner.inputs, { seed: 1 }));
    const data = results[runner.outputs[0]!.name]!.data as Float32Array;
    expect(data.length).toBeGreaterThan(0);
    expect(data.every(Number.isFinite)).toBe(true);
    await runner.close();
  });
});
