import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { buildSyntheticTransformer, random, writeSyntheticTransformer } from "@espalier/testkit";
import { ModelProtoSchema, type TensorProto } from "onnx-buf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syntheticChunks } from "./synthetic-weights.js";

const SHAPE = { layers: 2, width: 48, ffn: 96, heads: 4, seq: 8 };

const initializersOf = (bytes: Uint8Array) =>
  new Map(fromBinary(ModelProtoSchema, bytes).graph!.initializer.map((one) => [one.name, one]));

const location = (initializer: TensorProto) =>
  Object.fromEntries(initializer.externalData.map(({ key, value }) => [key, value]));

describe("buildSyntheticTransformer", () => {
  it("has four constant MatMul weights a layer", () => {
    const weights = [...initializersOf(buildSyntheticTransformer(SHAPE)).keys()].filter((name) =>
      name.endsWith("/weight"),
    );
    expect(weights).toHaveLength(8);
    expect(weights.slice(0, 4)).toEqual([
      "layer0/attention/qkv/weight",
      "layer0/attention/output/weight",
      "layer0/ffn/up/weight",
      "layer0/ffn/down/weight",
    ]);
  });

  it("gives the same bytes for the same seed and others for another", () => {
    const bytes = buildSyntheticTransformer(SHAPE);
    expect(Buffer.compare(buildSyntheticTransformer({ ...SHAPE, seed: 1 }), bytes)).toBe(0);
    expect(Buffer.compare(buildSyntheticTransformer({ ...SHAPE, seed: 2 }), bytes)).not.toBe(0);
  });

  it("refuses heads that do not divide the width", () => {
    expect(() => buildSyntheticTransformer({ ...SHAPE, heads: 5 })).toThrow("5 heads do not divide width 48");
  });

  it("refuses more weights than a model can hold, before it makes them", () => {
    const huge = { ...SHAPE, width: 32_768, heads: 1 };
    expect(() => buildSyntheticTransformer(huge)).toThrow("use writeSyntheticTransformer");
  });
});

describe("writeSyntheticTransformer", () => {
  let folder: string;
  let path: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "espalier-"));
    path = writeSyntheticTransformer(folder, SHAPE);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("writes two files and returns the path of the model", () => {
    expect(readdirSync(folder).sort()).toEqual(["synthetic.onnx", "synthetic.onnx.data"]);
    expect(path).toBe(join(folder, "synthetic.onnx"));
  });

  it("puts the bytes of the embedded model where the external locations say", () => {
    const data = readFileSync(`${path}.data`);
    const embedded = initializersOf(buildSyntheticTransformer(SHAPE));
    const external = [...initializersOf(readFileSync(path)).values()].filter(({ dataLocation }) => dataLocation === 1);
    expect(external).toHaveLength(8);
    for (const initializer of external) {
      const { location: file, offset, length } = location(initializer);
      expect(file).toBe("synthetic.onnx.data");
      expect(Number(offset) % 4096).toBe(0);
      const bytes = data.subarray(Number(offset), Number(offset) + Number(length));
      expect(Buffer.compare(bytes, embedded.get(initializer.name)!.rawData)).toBe(0);
    }
  });

  it("keeps tensors below 1 KiB in the model", () => {
    const embedded = initializersOf(buildSyntheticTransformer(SHAPE));
    const bias = initializersOf(readFileSync(path)).get("layer1/attention/qkv/bias")!;
    expect(bias.dataLocation).toBe(0);
    expect(Buffer.compare(bias.rawData, embedded.get("layer1/attention/qkv/bias")!.rawData)).toBe(0);
  });
});

describe("syntheticChunks", () => {
  it("makes large tensors in pieces of at most 2¹⁸ entries", () => {
    const sizes = [...syntheticChunks("w/weight", [1024, 600], random(1))].map((chunk) => chunk.length);
    expect(sizes).toEqual([2 ** 18, 2 ** 18, 1024 * 600 - 2 ** 19]);
  });

  it("scales weights by their inputs, and centres scales on 1", () => {
    const [weights] = [...syntheticChunks("w/weight", [100, 400], random(1))];
    const power = weights!.reduce((sum, value) => sum + value * value, 0) / 40_000;
    // Variance 1/100; its estimate has a relative standard error of √(2 / 40,000) = 0.7 %: four of them. By the 400 outputs it would be 1/400.
    expect(Math.abs(power * 100 - 1)).toBeLessThan(0.029);
    const [scales] = [...syntheticChunks("n/scale", [1000], random(1))];
    expect(Math.abs(scales!.reduce((sum, value) => sum + value, 0) / 1000 - 1)).toBeLessThan(0.01);
  });
});
