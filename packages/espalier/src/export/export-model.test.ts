import { Buffer } from "node:buffer";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { openRunner, randomFeeds, type Tensor } from "@espalier/runtime";
import { buildModel, node, random, tensor, useLitePath, valueInfo } from "@espalier/testkit";
import { type ExportOptions, exportModel, l1, nm, type Pattern, parsePattern, prune, unstructured } from "espalier";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "espalier-export-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** x [1, 64] → MatMul(w1 [64, 96]) → Relu → MatMul(w2 [96, 48]) → y. */
function perceptron(): Uint8Array<ArrayBuffer> {
  const { float32 } = random(1);
  return buildModel({
    nodes: [
      node("MatMul", ["x", "w1"], ["h"], {}, { name: "first" }),
      node("Relu", ["h"], ["a"]),
      node("MatMul", ["a", "w2"], ["y"], {}, { name: "second" }),
    ],
    initializers: [tensor("w1", [64, 96], float32(64 * 96)), tensor("w2", [96, 48], float32(96 * 48))],
    inputs: [valueInfo("x", "float32", [1, 64])],
    outputs: [valueInfo("y", "float32", [1, 48])],
  });
}

async function pruned(pattern: Pattern, model: string | Uint8Array = perceptron()): Promise<Uint8Array> {
  return (await prune(model, { criterion: l1(), pattern })).toBytes();
}

async function outputs(model: Uint8Array): Promise<readonly number[]> {
  const runner = await openRunner(model);
  try {
    const results: Readonly<Record<string, Tensor>> = await runner.run(randomFeeds(runner.inputs, { seed: 7 }));
    return Object.values(results).flatMap(({ data }) => Array.from(data as Float32Array));
  } finally {
    await runner.close();
  }
}

describe("exportModel", () => {
  it.each<[string, ExportOptions, Pattern]>([
    ["bitmask", { format: "bitmask" }, unstructured(0.5)],
    ["gap", { format: "gap" }, unstructured(0.8)],
    ["nm", { format: "nm" }, nm(2, 4)],
    ["coo", { format: "coo" }, unstructured(0.8)],
    ["dense", { format: "dense" }, unstructured(0.5)],
    ["auto", {}, nm(2, 4)],
    ["auto for the web", { target: "ort-web" }, unstructured(0.5)],
    ["auto for TensorRT", { target: "tensorrt" }, nm(2, 4)],
  ])("%s: f32 gives the pruned model's outputs to the bit", async (_, options, pattern) => {
    const before = await pruned(pattern);
    const { report, toBytes } = await exportModel(before, options);
    expect(report.check).toMatchObject({ largestError: 0, outputDistance: 0, notes: [] });
    expect(await outputs(toBytes())).toEqual(await outputs(before));
    expect(report.bytes).toBe(toBytes().length);
  });

  it("measures compressed sizes and loading when asked to", async () => {
    const before = await pruned(unstructured(0.8));
    const { report, toBytes } = await exportModel(before, { format: "bitmask", measure: true });
    expect([report.gzipBytesBefore, report.gzipBytes]).toEqual(
      [before, toBytes()].map((file) => gzipSync(file).length),
    );
    for (const weight of report.weights) {
      // The bitmask holds no runs of zeros any more: what is left of it hardly compresses.
      expect(weight.gzipBytesAfter!).toBeGreaterThan(0.8 * weight.bytesAfter);
      expect(weight.gzipBytesBefore!).toBeLessThan(0.5 * weight.bytesBefore);
      expect(weight.gzipBytesBefore!).toBeLessThan(report.gzipBytesBefore!);
      expect(weight.brotliBytesAfter!).toBeLessThanOrEqual(weight.bytesAfter + 64);
      expect(weight.brotliBytesBefore!).toBeLessThan(weight.gzipBytesBefore!);
    }
    const sum = report.weights.reduce((total, { brotliBytesAfter }) => total + brotliBytesAfter!, 0);
    // Beside the weights a file holds tables and nodes: 20 kB, less when compressed.
    expect(report.brotliBytes! - sum).toBeGreaterThan(0);
    expect(report.brotliBytes! - sum).toBeLessThan(10_000);
    expect(report.loading).toMatchObject({ before: { processes: 3 }, after: { processes: 3 } });
  });

  it("measures nothing unasked, and loads nothing for TensorRT", async () => {
    const before = await pruned(nm(2, 4));
    const { report } = await exportModel(before);
    expect(report).toMatchObject({ gzipBytes: null, brotliBytes: null });
    expect(report.loading).toBeUndefined();
    expect(report.weights[0]).not.toHaveProperty("gzipBytesAfter");
    const engine = await exportModel(before, { target: "tensorrt", measure: true });
    expect(engine.report.loading).toMatchObject({ problem: expect.stringMatching(/TensorRT.*not here/) });
  });

  it.each(["f16", "int8"] as const)("%s values move entries by no more than their rounding", async (values) => {
    const { report } = await exportModel(await pruned(nm(2, 4)), { values });
    expect(report.check.weights).toBe(2);
    expect(report.check.largestError).toBeGreaterThan(0);
    expect(report.check.outputDistance).toBeLessThan(report.check.limit);
  });

  it("stores float16 for TensorRT before a Cast, in half the bytes, and still judges 2:4", async () => {
    const { report, model } = await exportModel(await pruned(nm(2, 4)), { target: "tensorrt", values: "f16" });
    expect(report.weights).toMatchObject([
      { encoding: "dense", bytesBefore: 4 * 64 * 96, bytesAfter: 2 * 64 * 96, eligible: true },
      { encoding: "dense", bytesBefore: 4 * 96 * 48, bytesAfter: 2 * 96 * 48, eligible: true },
    ]);
    expect(model.proto.graph!.node.filter(({ opType }) => opType === "Cast")).toHaveLength(2);
  });

  it("auto takes the encoding of the fewest bytes for each weight, and says why", async () => {
    const half = await exportModel(await pruned(nm(2, 4)), {});
    expect(half.report.weights.map(({ encoding }) => encoding)).toEqual(["2:4", "2:4"]);
    expect(half.report.weights[0]!.reason).toMatch(/smallest of .*bitmask.*45 % smaller|smallest of/);
    const most = await exportModel(await pruned(unstructured(0.95)), {});
    expect(most.report.weights.map(({ encoding }) => encoding)).toEqual(["gap8", "gap8"]);
  });

  it("auto leaves a model as it is where the decoders' tables take more than is saved", async () => {
    const bytes = buildModel({
      nodes: [node("MatMul", ["x", "w"], ["y"])],
      initializers: [tensor("w", [8, 8], random(2).float32(64))],
      inputs: [valueInfo("x", "float32", [1, 8])],
      outputs: [valueInfo("y", "float32", [1, 8])],
    });
    const before = await pruned(unstructured(0.5), bytes);
    const { report, toBytes } = await exportModel(before, {});
    expect(report.weights).toMatchObject([{ encoding: "dense", reason: expect.stringMatching(/tables/) }]);
    expect(Buffer.compare(toBytes(), before)).toBe(0);
  });

  it("lowers what was pruned in balanced blocks, and stores the rest by its bytes", async () => {
    const { float32 } = random(4);
    const bytes = buildModel({
      nodes: [node("MatMul", ["x", "big"], ["h"]), node("MatMul", ["h", "small"], ["y"])],
      initializers: [tensor("big", [768, 1024], float32(768 * 1024)), tensor("small", [1024, 16], float32(1024 * 16))],
      inputs: [valueInfo("x", "float32", [32, 768])],
      outputs: [valueInfo("y", "float32", [32, 16])],
    });
    const blocks = await prune(bytes, {
      criterion: l1(),
      pattern: parsePattern("blocks:32x256", 0.5),
      include: ["big"],
    });
    const both = await prune(blocks.model, { criterion: l1(), pattern: unstructured(0.6), include: ["small"] });
    const { report } = await exportModel(both.model, {});
    expect(report.weights).toMatchObject([{ encoding: "multi" }, { encoding: "bitmask" }]);
    expect(report.check.outputDistance).toBeLessThan(1e-4);
    const excluded = await exportModel(both.model, { exclude: ["big"] });
    expect(excluded.report.weights).toMatchObject([{ name: "small", encoding: "bitmask" }]);
    const lowered = await exportModel(both.model, { format: "blocks" });
    expect(lowered.report.weights).toMatchObject(
      [{ encoding: "multi" }, { encoding: "dense", reason: /balanced/ }].map((one) => ({
        ...one,
        ...("reason" in one && { reason: expect.stringMatching(one.reason as RegExp) }),
      })),
    );
  });

  it("removes channels of zeros before it encodes what is left", async () => {
    const before = await pruned(parsePattern("rows", 0.5));
    const { report, toBytes } = await exportModel(before, { removeZeroChannels: true });
    expect(report.removed?.[0]).toMatchObject({ producers: ["w1"], consumers: ["w2"], channels: 96, removed: 48 });
    expect(toBytes().length).toBeLessThan(before.length);
    expect(report.check.outputDistance).toBeLessThan(1e-4);
  });

  it("says of every weight whether TensorRT can use its zeros", async () => {
    const { report, toBytes } = await exportModel(await pruned(nm(2, 4)), { target: "tensorrt" });
    expect(report.weights).toMatchObject([{ encoding: "dense", eligible: true }, { eligible: true }]);
    expect(toBytes().length).toBe(report.bytesBefore);
    const other = await exportModel(await pruned(unstructured(0.5)), { target: "tensorrt" });
    expect(other.report.weights[0]).toMatchObject({ eligible: false, reason: expect.stringMatching(/no 2:4/) });
  });
});

describe("exportModel to nm with int8 values", () => {
  it("takes 2:4 weights most of whose entries are rounded to zero", async () => {
    const { float32 } = random(5);
    // The largest of each output decides its scale: beside the first 16 inputs all others are rounded to 0.
    const values = float32(64 * 96).map((value, index) => (index < 16 * 96 ? 1000 * value : value));
    const bytes = buildModel({
      nodes: [node("MatMul", ["x", "w"], ["y"])],
      initializers: [tensor("w", [64, 96], values)],
      inputs: [valueInfo("x", "float32", [1, 64])],
      outputs: [valueInfo("y", "float32", [1, 96])],
    });
    const { report } = await exportModel(await pruned(nm(2, 4), bytes), { format: "nm", values: "int8" });
    expect(report.weights).toMatchObject([{ encoding: "2:4" }]);
  });
});

describe("exportModel refuses", () => {
  it.each<[string, ExportOptions, RegExp]>([
    ["a format that is none", { format: "zip" as never }, /zip.*auto, dense/],
    ["encodings for TensorRT", { target: "tensorrt", format: "gap" }, /tensorrt/],
    ["int8 for TensorRT", { target: "tensorrt", values: "int8" }, /QuantizeLinear/],
    ["blocks of f16", { format: "blocks", values: "f16" }, /f16/],
    ["block sizes without blocks", { format: "gap", blocks: { bk: 32, bn: 32 } }, /blocks/],
    ["a glob that matches nothing", { exclude: ["nope*"] }, /nope/],
  ])("%s", async (_, options, message) => {
    const error = { code: "usage", message: expect.stringMatching(message) };
    await expect(exportModel(await pruned(nm(2, 4)), options)).rejects.toMatchObject(error);
  });

  it("a model that is not pruned, unless forced", async () => {
    const error = { code: "input", message: expect.stringMatching(/nothing to gain.*0\.0 %/) };
    await expect(exportModel(perceptron())).rejects.toMatchObject(error);
    const { report } = await exportModel(perceptron(), { force: true });
    expect(report.weights.map(({ encoding }) => encoding)).toEqual(["dense", "dense"]);
  });

  it("zeros that are not N:M as nm, with the weight's name", async () => {
    const error = { code: "input", message: expect.stringMatching(/"w1".*nm.*N:M/) };
    await expect(exportModel(await pruned(unstructured(0.5)), { format: "nm" })).rejects.toMatchObject(error);
  });

  it("blocks of a model that has none", async () => {
    const error = { code: "input", message: expect.stringMatching(/balanced blocks/) };
    await expect(exportModel(await pruned(nm(2, 4)), { format: "blocks" })).rejects.toMatchObject(error);
  });

  it("a folder that is not there, with nothing written", async () => {
    const exported = await exportModel(await pruned(nm(2, 4)));
    const path = join(folder, "missing", "out.onnx");
    await expect(exported.write(path)).rejects.toMatchObject({ code: "output" });
    expect(existsSync(path)).toBe(false);
  });

  it("an opset that cannot be raised, with the node", async () => {
    const bytes = buildModel({
      opset: 9,
      nodes: [node("MatMul", ["x", "w"], ["h"]), node("Upsample", ["h", "scales"], ["y"])],
      initializers: [tensor("w", [64, 64], random(3).float32(4096)), tensor("scales", [2], Float32Array.of(1, 2))],
      inputs: [valueInfo("x", "float32", [1, 64])],
      outputs: [valueInfo("y", "float32", [1, 128])],
    });
    const before = await pruned(nm(2, 4), bytes);
    const error = { code: "input", message: expect.stringMatching(/"w".*opset 9.*Upsample/) };
    await expect(exportModel(before, { format: "gap" })).rejects.toMatchObject(error);
    expect((await exportModel(before)).report.weights[0]!.reason).toMatch(/opset 9/);
  });
});

describe("USE-lite with 2:4", () => {
  let dense: Uint8Array;
  beforeAll(async () => {
    dense = await pruned(nm(2, 4), useLitePath());
  });

  it.each<[ExportOptions, number]>([
    [{ format: "nm" }, 0.54],
    [{ format: "bitmask" }, 0.54],
    [{ format: "nm", values: "int8" }, 0.16],
  ])("%j: at most %d of the weights' bytes", async (options, share) => {
    const { report, toBytes } = await exportModel(dense, options);
    const unprunedBytes = report.weights.reduce((sum, { bytesBefore }) => sum + bytesBefore, 0);
    const after = report.weights.reduce((sum, { bytesAfter }) => sum + bytesAfter, 0);
    expect(after / unprunedBytes).toBeLessThanOrEqual(share);
    // Names, nodes and tables: 20 kB and some 100 bytes a node.
    expect(report.bytesBefore - report.bytes).toBeGreaterThan(unprunedBytes - after - 60_000);
    expect(report.check.weights).toBe(10);
    if (options.values === undefined) expect(await outputs(toBytes())).toEqual(await outputs(dense));
    else expect(report.check.outputDistance).toBeLessThan(0.05);
  });
});
