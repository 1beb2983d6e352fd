import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, equals, fromBinary } from "@bufbuild/protobuf";
import {
  appendToGraph,
  decodeModel,
  encodeModel,
  externalDataFiles,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxError,
  prunableWeights,
  readModel,
  TensorProto_DataType,
  tensorBytes,
  walkTensors,
  withMetadata,
  withTensorData,
  writeModel,
} from "@espalier/onnx";
import { buildModel, externalTensor, graph, node, tensor, valueInfo } from "@espalier/testkit";
import { ModelProtoSchema } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { richModel } from "../fixtures/rich-model.js";

const folder = mkdtempSync(join(tmpdir(), "espalier-append-"));
afterAll(() => rmSync(folder, { recursive: true }));

const addition = {
  nodes: [makeNode("Mul", ["x", "added/scale"], ["added/y"], {})],
  initializers: [makeTensor("added/scale", [2], Float32Array.of(2, 3))],
  outputs: [makeValueInfo("added/y", TensorProto_DataType.FLOAT, ["batch", 2])],
};

function smallModel(): Uint8Array {
  return buildModel({
    nodes: [node("MatMul", ["x", "W"], ["y"])],
    initializers: [tensor("W", [2, 2], Float32Array.of(1, 2, 3, 4))],
    inputs: [valueInfo("x", "float32", ["batch", 2])],
    outputs: [valueInfo("y", "float32", ["batch", 2])],
  });
}

describe("appendToGraph", () => {
  it("leaves every byte of the file in place and puts the addition behind it", () => {
    const bytes = richModel();
    const out = encodeModel(appendToGraph(decodeModel(bytes), addition));
    expect(out.subarray(0, bytes.length)).toEqual(bytes);
  });

  it("merges into the graph, as an independent decoder sees it", () => {
    const before = fromBinary(ModelProtoSchema, richModel());
    const after = fromBinary(ModelProtoSchema, encodeModel(appendToGraph(decodeModel(richModel()), addition)));
    expect(after.graph!.node.at(-1)!.output).toEqual(["added/y"]);
    expect(after.graph!.initializer.at(-1)!.name).toBe("added/scale");
    expect(after.graph!.output.map(({ name }) => name)).toEqual(["y", "added/y"]);
    for (const list of ["node", "initializer", "output"] as const) after.graph![list].pop();
    expect(equals(ModelProtoSchema, before, after, { unknown: true, registry: createRegistry() })).toBe(true);
  });

  it("shows the same structure as the result read back, and leaves the given model as it was", () => {
    const model = decodeModel(smallModel());
    const appended = appendToGraph(model, addition);
    const readBack = decodeModel(encodeModel(appended)).proto;
    expect(equals(ModelProtoSchema, appended.proto, readBack)).toBe(true);
    expect(model.proto.graph!.node).toHaveLength(1);
    expect(encodeModel(model)).toEqual(smallModel());
  });

  it("gives the bytes of appended initializers, and of the old ones", () => {
    const appended = appendToGraph(decodeModel(smallModel()), addition);
    const floats = [...walkTensors(appended.proto)].map(({ tensor }) => [
      ...new Float32Array(tensorBytes(appended, tensor).buffer),
    ]);
    expect(floats).toEqual([
      [1, 2, 3, 4],
      [2, 3],
    ]);
  });

  it("keeps weights, edits and metadata, whether they were made before or after", () => {
    const zeros = () => new Uint8Array(16);
    const model = withMetadata(decodeModel(smallModel()), new Map([["early", "1"]]));
    const edited = withTensorData(model, new Map([[model.proto.graph!.initializer[0]!, zeros]]));
    const appended = appendToGraph(edited, addition);
    const scale = appended.proto.graph!.initializer[1]!;
    const ones = () => new Uint8Array(Float32Array.of(1, 1).buffer);
    const out = encodeModel(withMetadata(withTensorData(appended, new Map([[scale, ones]])), new Map([["late", "2"]])));
    const after = decodeModel(out);
    expect(prunableWeights(after).map(({ name }) => name)).toEqual(["W", "added/scale"]);
    const bytes = after.proto.graph!.initializer.map((one) => [...new Float32Array(tensorBytes(after, one).buffer)]);
    expect(bytes).toEqual([
      [0, 0, 0, 0],
      [1, 1],
    ]);
    expect(after.proto.metadataProps.map(({ key }) => key)).toEqual(["early", "late"]);
  });

  it("returns the same model where nothing is added", () => {
    const model = decodeModel(smallModel());
    expect(appendToGraph(model, { nodes: [] })).toBe(model);
  });

  it("can be done twice", () => {
    const once = appendToGraph(decodeModel(smallModel()), addition);
    const twice = appendToGraph(once, {
      nodes: [makeNode("Relu", ["added/y"], ["added/z"])],
      initializers: [makeTensor("added/unused", [], BigInt64Array.of(-1n))],
    });
    const after = decodeModel(encodeModel(twice));
    expect(after.proto.graph!.node.map(({ opType }) => opType)).toEqual(["MatMul", "Mul", "Relu"]);
    expect([...tensorBytes(twice, twice.proto.graph!.initializer[2]!)]).toEqual(Array(8).fill(255));
    expect(after.proto.graph!.output.map(({ name }) => name)).toEqual(["y", "added/y"]);
  });

  it("is written to disk, from disk, with large new initializers moved to the data file on request", () => {
    const path = join(folder, "model.onnx");
    writeModel(decodeModel(smallModel()), path);
    const large = [1, 2].map((seed) => makeTensor(`added/${seed}`, [300], new Float32Array(300).fill(seed)));
    const appended = appendToGraph(readModel(path), {
      ...addition,
      initializers: [...addition.initializers, ...large],
    });
    const kept = join(folder, "kept.onnx");
    writeModel(appended, kept);
    expect(new Uint8Array(readFileSync(kept))).toEqual(encodeModel(appended));
    const packed = join(folder, "packed.onnx");
    expect(writeModel(appended, packed, { externalData: { location: "packed.data" } }).externalData).toHaveLength(1);
    const after = readModel(packed);
    const values = after.proto.graph!.initializer.map((one) => new Float32Array(tensorBytes(after, one).buffer)[0]);
    expect(values).toEqual([1, 2, 1, 2]);
  });

  it("leaves external data where they are", () => {
    const bytes = buildModel({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [externalTensor("W", [2, 1], "float32", { location: "w.data", offset: 0, length: 8 })],
      inputs: [valueInfo("x", "float32", ["batch", 2])],
      outputs: [valueInfo("y", "float32", ["batch", 1])],
    });
    const data = new Uint8Array(Float32Array.of(5, 6).buffer);
    const appended = appendToGraph(decodeModel(bytes, { externalData: new Map([["w.data", data]]) }), addition);
    expect([...externalDataFiles(appended)].map(([name, file]) => [name, file()])).toEqual([["w.data", data]]);
    expect(tensorBytes(appended, appended.proto.graph!.initializer[0]!)).toEqual(data);
  });

  it("refuses names that are taken, in subgraphs and by sparse tensors too", () => {
    const inBranch = buildModel({
      nodes: [
        node("If", ["c"], ["y"], {
          then_branch: graph({
            nodes: [node("Identity", ["x"], ["added/y"])],
            outputs: [valueInfo("added/y", "float32", [])],
          }),
          else_branch: graph({ nodes: [node("Identity", ["x"], ["e"])], outputs: [valueInfo("e", "float32", [])] }),
        }),
      ],
      inputs: [valueInfo("x", "float32", []), valueInfo("c", "bool", [])],
      outputs: [valueInfo("y", "float32", [])],
    });
    const malformed = (bytes: Uint8Array, more: Parameters<typeof appendToGraph>[1]) =>
      expect(() => appendToGraph(decodeModel(bytes), more)).toThrow(
        expect.objectContaining({ name: "OnnxError", code: "malformed" } satisfies Partial<OnnxError>),
      );
    malformed(inBranch, addition);
    malformed(smallModel(), { initializers: [makeTensor("x", [0], new Float32Array())] });
    malformed(smallModel(), { nodes: [makeNode("Relu", ["x"], ["W"])] });
    malformed(smallModel(), { nodes: [makeNode("Relu", ["x"], ["a"]), makeNode("Relu", ["x"], ["a"])] });
    malformed(smallModel(), { outputs: [makeValueInfo("y", TensorProto_DataType.FLOAT)] });
    malformed(richModel(), { initializers: [makeTensor("sparse_values", [0], new Float32Array())] });
  });
});

describe("makeNode", () => {
  it("writes every kind of attribute with its type", () => {
    const value = makeTensor("", [1], Int32Array.of(4));
    const made = makeNode(
      "Op",
      ["a", ""],
      ["b"],
      { i: 1n, is: [1n, 2n], none: [], f: 1, s: "ä", t: value },
      { domain: "d" },
    );
    expect(made.attribute.map(({ name, type, i, ints, f, s, t }) => [name, type, i, ints, f, [...s], t])).toEqual([
      ["i", 2, 1n, [], 0, [], undefined],
      ["is", 7, 0n, [1n, 2n], 0, [], undefined],
      ["none", 7, 0n, [], 0, [], undefined],
      ["f", 1, 0n, [], 1, [], undefined],
      ["s", 3, 0n, [], 0, [0xc3, 0xa4], undefined],
      ["t", 4, 0n, [], 0, [], value],
    ]);
    expect(made).toMatchObject({ opType: "Op", domain: "d", name: "b", input: ["a", ""], output: ["b"] });
  });
});

describe("makeTensor", () => {
  it("copies exactly the values of a view", () => {
    const values = Int32Array.of(1, 2, 3, 4).subarray(1, 3);
    const made = makeTensor("t", [2], values);
    values[0] = 9;
    expect([...made.rawData!]).toEqual([2, 0, 0, 0, 3, 0, 0, 0]);
    expect(made.dataType).toBe(TensorProto_DataType.INT32);
  });

  it("takes bytes of any type, whole elements only", () => {
    const made = makeTensor("t", [3], { dataType: TensorProto_DataType.INT4, bytes: Uint8Array.of(0x21, 0x03) });
    expect([made.dataType, [...made.rawData!]]).toEqual([22, [0x21, 3]]);
  });

  it("refuses values that do not fill the shape", () => {
    expect(() => makeTensor("t", [2, 2], new Float32Array(3))).toThrow('tensor "t" of shape [2, 2] holds 4 values');
  });
});

describe("makeValueInfo", () => {
  it("declares fixed and free sizes, or no shape at all", () => {
    const dims = makeValueInfo("v", TensorProto_DataType.INT64, ["n", 3]).type?.value;
    expect(dims).toMatchObject({
      case: "tensorType",
      value: {
        elemType: 7,
        shape: { dim: [{ value: { case: "dimParam", value: "n" } }, { value: { case: "dimValue", value: 3n } }] },
      },
    });
    const any = makeValueInfo("v", TensorProto_DataType.FLOAT).type?.value;
    expect(any?.case === "tensorType" && any.value.shape).toBe(undefined);
  });
});
