import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodedSize, encodeWeights, isExportError, type WeightChoice } from "@espalier/export";
import {
  decodeModel,
  encodeModel,
  externalDataFiles,
  type Model,
  modelSize,
  type PrunableWeight,
  prunableWeights,
  readModel,
  walkTensors,
  writeModel,
} from "@espalier/onnx";
import { openRunner } from "@espalier/runtime";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { optimized } from "../test-support/optimized.js";
import { WEIGHT_CASES, weightModel, weights, withWeightAsOutput } from "../test-support/weight-cases.js";

const folder = mkdtempSync(join(tmpdir(), "espalier-encode-"));
afterAll(() => rmSync(folder, { recursive: true }));

const EXPANDED = ["bitmask", "gap", "nm"] as const;

const find = (model: Model, name: string) => prunableWeights(model).find((one) => one.name === name) as PrunableWeight;
const all = (model: Model, choice: WeightChoice) =>
  encodeWeights(model, new Map(prunableWeights(model).flatMap((one) => (one.prunable ? [[one.name, choice]] : []))));

/** x [n, 16] → MatMul(W1 [16, 24]) → Relu → Gemm(W2 [8, 24], transposed) → y; both 2:4, in different rows. */
function perceptron(options: { opset?: number; irVersion?: number } = {}): Uint8Array<ArrayBuffer> {
  const first = weights(16 * 24, (index) => (Math.floor(index / 24) + index) % 4 < 2, 5);
  const second = weights(8 * 24, (index) => (index + Math.floor(index / 24)) % 4 < 2, 6);
  const bias = tensor("b", [8], new Float32Array(8).fill(0.5));
  const initializers = [tensor("W1", [16, 24], first), tensor("W2", [8, 24], second), bias];
  const declared = [
    valueInfo("W1", "float32", [16, 24]),
    valueInfo("W2", "float32", [8, 24]),
    valueInfo("b", "float32", [8]),
  ];
  return buildModel({
    ...options,
    nodes: [
      node("MatMul", ["x", "W1"], ["h"]),
      node("Relu", ["h"], ["a"]),
      node("Gemm", ["a", "W2", "b"], ["y"], { transB: 1 }),
    ],
    initializers,
    inputs: [valueInfo("x", "float32", ["n", 16]), ...((options.irVersion ?? 8) < 4 ? declared : [])],
    outputs: [valueInfo("y", "float32", ["n", 8])],
    metadata: { kept: "yes" },
  });
}

const x = { dtype: "float32", dims: [3, 16], data: random(9).float32(48) } as const;

async function outputOf(model: Model, optimization: "disabled" | "all" = "all"): Promise<number[]> {
  const externalData = externalDataFiles(model);
  const runner = await openRunner(encodeModel(model), { optimization, externalData });
  try {
    return [...((await runner.run({ x })).y!.data as Float32Array)];
  } finally {
    await runner.close();
  }
}

describe("encodeWeights", () => {
  it.each(EXPANDED)("adds nodes that ONNX Runtime computes when it loads the model: %s", async (encoding) => {
    const model = decodeModel(perceptron());
    for (const values of ["exact", "float16", "int8"] as const) {
      for (const level of ["basic", "all"] as const) {
        const encoded = all(model, { encoding, values });
        expect(encoded.proto.graph!.node.length).toBeGreaterThan(8);
        const { node: nodes, initializer } = (await optimized(encoded, level)).proto.graph!;
        expect(nodes.map(({ opType }) => opType)).toEqual(["MatMul", "Relu", "Gemm"]);
        expect(initializer.map(({ dims }) => dims.join("x")).sort()).toEqual(["16x24", "8", "8x24"]);
      }
    }
  });

  it("leaves a DequantizeLinear, and only that, to the runtime when the target wants it", async () => {
    const model = decodeModel(perceptron());
    const encoded = all(model, { encoding: "gap", values: "int8", dequantize: "linear" });
    const basic = (await optimized(encoded, "basic")).proto.graph!.node.map(({ opType }) => opType);
    expect(basic.sort()).toEqual(["DequantizeLinear", "DequantizeLinear", "Gemm", "MatMul", "Relu"]);
    const exact = await outputOf(all(model, { encoding: "gap", values: "int8" }));
    expect(await outputOf(encoded, "disabled")).toEqual(exact);
  });

  it.each(EXPANDED)("keeps outputs, names and metadata, at every level and in old opsets: %s", async (encoding) => {
    for (const opset of [7, 10, 11, 12, 13, 18, 21]) {
      const model = decodeModel(perceptron({ opset }));
      const encoded = all(model, { encoding });
      expect(encoded.proto.opsetImport.map(({ version }) => Number(version))).toEqual([Math.max(opset, 11)]);
      const expected = await outputOf(model);
      expect(await outputOf(encoded)).toEqual(expected);
      expect(await outputOf(encoded, "disabled")).toEqual(expected);
      expect(encoded.proto.metadataProps.map(({ key }) => key)).toEqual(["kept"]);
    }
  });

  it("removes the declarations of initializers among the inputs of an old model, and raises its IR version", async () => {
    const model = decodeModel(perceptron({ opset: 9, irVersion: 3 }));
    const encoded = encodeWeights(model, new Map([["W1", { encoding: "bitmask" }]]));
    expect(encoded.proto.irVersion).toBe(4n);
    expect(encoded.proto.graph!.input.map(({ name }) => name)).toEqual(["x"]);
    expect(await outputOf(encoded)).toEqual(await outputOf(model));
    const sparse = encodeWeights(model, new Map([["W1", { encoding: "coo" }]]));
    expect([sparse.proto.irVersion, Number(sparse.proto.opsetImport[0]!.version)]).toEqual([6n, 9]);
    expect(await outputOf(sparse)).toEqual(await outputOf(model));
  });

  it("expands Constant nodes in their place", async () => {
    const one = WEIGHT_CASES.find(({ name }) => name.startsWith("24x16"))!;
    const model = decodeModel(weightModel(one, { constant: true }));
    for (const encoding of ["bitmask", "gap", "coo"]) {
      const encoded = encodeWeights(model, new Map([["W", { encoding }]]));
      const types = encoded.proto.graph!.node.map(({ opType }) => opType);
      expect([types.includes("Constant"), types.at(-1)]).toEqual([false, "MatMul"]);
      const runner = await openRunner(encodeModel(withWeightAsOutput(encoded, one)));
      const { decoded } = await runner.run({});
      await runner.close();
      expect(decoded!.data).toEqual(one.elements);
    }
  });

  it("stores tables once for all weights, and different choices side by side", async () => {
    const model = decodeModel(perceptron());
    const encoded = encodeWeights(
      model,
      new Map<string, WeightChoice>([
        ["W1", { encoding: "nm" }],
        ["W2", { encoding: "bitmask" }],
      ]),
    );
    expect(await outputOf(encoded)).toEqual(await outputOf(model));
    const names = all(model, { encoding: "bitmask" }).proto.graph!.initializer.map(({ name }) => name);
    expect(names.filter((name) => name.includes("bitmask"))).toEqual(["espalier/shared/bitmask/bits"]);
  });

  it("leaves nodes that are called as weights are alone: names of nodes are unique", async () => {
    const one = WEIGHT_CASES.find(({ name }) => name.startsWith("24x16"))!;
    const nodes = [
      node("MatMul", ["x", "W"], ["y"], {}, { name: "W" }),
      node("Neg", ["y"], ["z"], {}, { name: "espalier/x" }),
    ];
    const model = decodeModel(weightModel({ ...one, nodes }));
    for (const encoding of ["bitmask", "gap"]) {
      const encoded = encodeWeights(model, new Map([["W", { encoding }]]));
      const names = encoded.proto.graph!.node.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((name) => name.startsWith("espalier/"))).toEqual(["espalier/x"]);
      await (await openRunner(encodeModel(withWeightAsOutput(encoded, one)))).close();
    }
  });

  it("can be done in two steps, with names of their own", async () => {
    const model = decodeModel(perceptron());
    const once = encodeWeights(model, new Map([["W1", { encoding: "bitmask" }]]));
    const twice = encodeWeights(once, new Map([["W2", { encoding: "bitmask" }]]));
    expect(await outputOf(twice)).toEqual(await outputOf(model));
    expect(prunableWeights(once).flatMap(({ prunable, name }) => (prunable ? [name] : []))).toEqual(["W2"]);
  });

  it("reads external data, and its result is written with new ones", async () => {
    const path = join(folder, "external.onnx");
    const large = buildModel({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [
        tensor(
          "W",
          [16, 512],
          weights(16 * 512, (index) => index % 5 === 0),
        ),
      ],
      inputs: [valueInfo("x", "float32", ["n", 16])],
      outputs: [valueInfo("y", "float32", ["n", 512])],
    });
    writeModel(decodeModel(large), path, { externalData: { location: "external.data" } });
    const model = readModel(path);
    const encoded = encodeWeights(model, new Map([["W", { encoding: "bitmask" }]]));
    const out = join(folder, "encoded.onnx");
    writeModel(encoded, out, { externalData: { location: "encoded.data" } });
    const after = readModel(out);
    expect(await outputOf(after)).toEqual(await outputOf(model));
    expect(modelSize(model) / modelSize(after)).toBeGreaterThan(1.3);
  });

  it("rewrites Clip and Slice where it raises the opset, with and without their options", async () => {
    const clip = buildModel({
      opset: 9,
      nodes: [
        node("MatMul", ["x", "W"], ["h"]),
        node("Clip", ["h"], ["a"], { min: { float: 0 } }, { name: "relu" }),
        node("Clip", ["a"], ["b"], { min: { float: -1 }, max: { float: 0.5 } }),
        node("Clip", ["b"], ["c"]),
        node("Slice", ["c"], ["d"], { starts: [0, 1], ends: [9, 9] }),
        node("Slice", ["d"], ["y"], { starts: [1], ends: [-1], axes: [1] }),
      ],
      initializers: [
        tensor(
          "W",
          [16, 8],
          weights(128, (index) => index % 3 === 0),
        ),
      ],
      inputs: [valueInfo("x", "float32", ["n", 16])],
      outputs: [valueInfo("y", "float32", ["n", "m"])],
    });
    const model = decodeModel(clip);
    const encoded = all(model, { encoding: "gap" });
    expect(Number(encoded.proto.opsetImport[0]!.version)).toBe(11);
    const expected = await outputOf(model);
    expect(await outputOf(encoded)).toEqual(expected);
    expect(expected).toContain(0.5);
    expect(all(model, { encoding: "coo" }).proto.graph!.node[1]!.attribute).toHaveLength(1);
  });

  it("changes nothing without choices", () => {
    const model = decodeModel(perceptron());
    expect(encodeWeights(model, new Map())).toBe(model);
  });

  it("says of each weight why it stays dense", () => {
    const reason = (bytes: Uint8Array<ArrayBuffer>, name: string, choice: WeightChoice = { encoding: "bitmask" }) => {
      const model = decodeModel(bytes);
      const size = encodedSize(model, find(model, name), choice);
      try {
        encodeWeights(model, new Map([[name, choice]]));
      } catch (error) {
        expect(isExportError(error) && [error.code, error.weight]).toEqual(["cannot-encode", name]);
        return "refused" in size ? size.refused : "";
      }
      return "";
    };
    const fallback = (opset: number, second = node("Relu", ["h"], ["y"])) =>
      buildModel({
        opset,
        nodes: [node("MatMul", ["x", "W"], ["h"]), second],
        initializers: [tensor("W", [2, 2], Float32Array.of(1, 0, 0, 2))],
        inputs: [valueInfo("x", "float32", [2, 2]), valueInfo("W", "float32", [2, 2])],
        outputs: [valueInfo("y", "float32", [2, 2])],
      });
    expect(reason(fallback(17), "W")).toMatch(/default of an input/);
    expect(reason(perceptron(), "W1", { encoding: "zip" })).toBe('there is no encoding "zip"');
    expect(reason(perceptron(), "W1", { encoding: "gap", values: "int3" })).toBe('there is no value format "int3"');
    const clip = buildModel({
      opset: 10,
      nodes: [node("MatMul", ["x", "W"], ["h"]), node("Upsample", ["h", "s"], ["y"], {}, { name: "up" })],
      initializers: [tensor("W", [2, 2], Float32Array.of(1, 0, 0, 2))],
      inputs: [valueInfo("x", "float32", [2, 2])],
      outputs: [valueInfo("y", "float32", [2, 2])],
    });
    expect(reason(clip, "W")).toBe(
      'opset 10 of the model cannot be raised to 11: Upsample node "up" may change its meaning',
    );
    expect(reason(clip, "W", { encoding: "coo" })).toBe("");
    expect(() => encodeWeights(decodeModel(clip), new Map([["V", { encoding: "coo" }]]))).toThrow("no prunable weight");
  });

  it("keeps weights of more than 1 GiB dense, which ONNX Runtime would expand in every run", () => {
    const model = decodeModel(weightModel(WEIGHT_CASES.find(({ name }) => name.startsWith("24x16"))!));
    const weight = { ...find(model, "W"), shape: [2 ** 14, 2 ** 14 + 1] };
    const refused = `it has ${2 ** 30 + 2 ** 16} bytes: ONNX Runtime computes values of more than ${2 ** 30} bytes in every run`;
    expect(encodedSize(model, weight, { encoding: "gap" })).toEqual({ refused });
    expect(encodedSize(model, weight, { encoding: "coo" })).not.toHaveProperty("refused");
  });
});

describe("bytes of a 768x3072 weight", () => {
  const dense = 768 * 3072 * 4;
  const share = (model: Model, choice: WeightChoice) => modelSize(all(model, choice)) / dense;
  const matmul = (keeps: (index: number) => boolean) =>
    decodeModel(
      buildModel({
        nodes: [node("MatMul", ["x", "W"], ["y"])],
        initializers: [tensor("W", [768, 3072], weights(768 * 3072, keeps))],
        inputs: [valueInfo("x", "float32", ["n", 768])],
        outputs: [valueInfo("y", "float32", ["n", 3072])],
      }),
    );

  it("is at most 0.54 of dense at 50 % as a bit mask", () => {
    const { int } = random(2);
    expect(
      share(
        matmul(() => int(2) === 0),
        { encoding: "bitmask" },
      ),
    ).toBeLessThan(0.54);
  });

  it("is at most 0.54 of dense as 2:4, and 0.16 with int8", () => {
    const model = matmul((index) => (Math.floor(index / 3072) + (index % 3072)) % 4 < 2);
    expect(share(model, { encoding: "nm" })).toBeLessThan(0.525);
    expect(share(model, { encoding: "nm", values: "int8" })).toBeLessThan(0.15);
  });

  it("is at most 0.24 of dense at 80 %, as a bit mask or as gaps", () => {
    const { int } = random(4);
    const model = matmul(() => int(5) === 0);
    expect(share(model, { encoding: "bitmask" })).toBeLessThan(0.24);
    expect(share(model, { encoding: "gap" })).toBeLessThan(0.24);
    expect([...walkTensors(all(model, { encoding: "gap" }).proto)].length).toBeLessThan(10);
  });
});
