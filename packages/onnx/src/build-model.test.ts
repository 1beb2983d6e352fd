import {
  buildModel,
  decodeModel,
  encodeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  prunableWeights,
  TensorProto_DataType,
  tensorBytes,
  walkTensors,
  withTensorData,
} from "@espalier/onnx";
import { describe, expect, it } from "vitest";
import { richModel } from "../fixtures/rich-model.js";

const float = (name: string, dims: readonly (number | string)[]) =>
  makeValueInfo(name, TensorProto_DataType.FLOAT, dims);

describe("buildModel", () => {
  it("makes a model from nodes, a complete tensor and one that is computed when it is written", () => {
    let computed = 0;
    const data = () => {
      computed++;
      return new Uint8Array(Float32Array.of(0.5).buffer);
    };
    const model = buildModel({
      nodes: [makeNode("MatMul", ["x", "W"], ["h"]), makeNode("Add", ["h", "b"], ["y"])],
      initializers: [
        makeTensor("W", [2, 1], Float32Array.of(2, 3)),
        { name: "b", dataType: TensorProto_DataType.FLOAT, dims: [1], data },
      ],
      inputs: [float("x", ["n", 2])],
      outputs: [float("y", ["n", 1])],
      opsets: new Map([["", 17]]),
    });
    expect(computed).toBe(0);
    const after = decodeModel(encodeModel(model));
    const values = after.proto.graph!.initializer.map((one) => [...new Float32Array(tensorBytes(after, one).buffer)]);
    expect(values).toEqual([[2, 3], [0.5]]);
    expect(prunableWeights(after).map(({ name, prunable }) => [name, prunable])).toEqual([
      ["W", true],
      ["b", false],
    ]);
    expect([after.proto.irVersion, after.proto.opsetImport[0]!.version]).toEqual([8n, 17n]);
  });

  it("refuses a tensor of another model that it does not know", () => {
    const stranger = decodeModel(richModel()).proto.graph!.initializer[0]!;
    const parts = { nodes: [], outputs: [], opsets: new Map([["", 17]]) };
    expect(() => buildModel({ ...parts, initializers: [stranger] })).toThrow("has no data");
  });

  it("takes nodes, functions and initializers of another model with the data of their tensors, edits included", () => {
    const rich = decodeModel(richModel());
    const graph = rich.proto.graph!;
    const unpacked = graph.initializer.find(({ name }) => name === "unpacked")!;
    const from = withTensorData(rich, new Map([[unpacked, () => new Uint8Array(12).fill(1)]]));
    const initializers = graph.initializer.filter(({ name }) => name !== "strings");
    const { functions } = rich.proto;
    const opsets = new Map([["", 17]]);
    const parts = { nodes: graph.node, initializers, functions, outputs: [], opsets, from };
    const built = buildModel({ ...parts, irVersion: 9, name: "part" });
    const names = new Set([...walkTensors(built.proto)].map(({ tensor }) => tensor.name));
    const expected = [...walkTensors(from.proto)].filter(({ tensor }) => names.has(tensor.name));
    const after = decodeModel(encodeModel(built));
    for (const model of [built, after]) {
      const actual = [...walkTensors(model.proto)].map(({ tensor }) => [tensor.name, tensorBytes(model, tensor)]);
      expect(actual).toEqual(expected.map(({ tensor }) => [tensor.name, tensorBytes(from, tensor)]));
    }
    expect(expected.length).toBeGreaterThan(15);
    expect([after.proto.irVersion, after.proto.graph!.name]).toEqual([9n, "part"]);
  });
});
