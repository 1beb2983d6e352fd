import { fromBinary } from "@bufbuild/protobuf";
import { buildModel, externalTensor, graph, node, tensor, valueInfo } from "@espalier/testkit";
import { type AttributeProto, ModelProtoSchema, type TensorProto } from "onnx-buf";
import { describe, expect, it } from "vitest";

describe("tensor", () => {
  it("stores raw data as little-endian bytes", () => {
    const one = tensor("w", [1, 2], new Float32Array([1, -2]));
    expect(one.dims).toEqual([1n, 2n]);
    expect(one.dataType).toBe(1);
    expect([...one.rawData]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  it("copies its data", () => {
    const data = new Int8Array([1, 2]);
    const built = tensor("w", [2], data);
    data[0] = 9;
    expect([...built.rawData]).toEqual([1, 2]);
  });

  it("reads only the part of a buffer that a typed array covers", () => {
    const part = new Int32Array([1, 2, 3]).subarray(1, 2);
    expect([...tensor("w", [1], part).rawData]).toEqual([2, 0, 0, 0]);
  });

  const typed: [string, TensorProto, Partial<TensorProto>][] = [
    ["float32", tensor("w", [1], new Float32Array([1.5]), "typed"), { dataType: 1, floatData: [1.5] }],
    ["float64", tensor("w", [1], new Float64Array([0.1]), "typed"), { dataType: 11, doubleData: [0.1] }],
    ["int64", tensor("w", [1], new BigInt64Array([-3n]), "typed"), { dataType: 7, int64Data: [-3n] }],
    ["int32", tensor("w", [1], new Int32Array([-3]), "typed"), { dataType: 6, int32Data: [-3] }],
    ["int8", tensor("w", [1], new Int8Array([-3]), "typed"), { dataType: 3, int32Data: [-3] }],
    ["uint8", tensor("w", [1], new Uint8Array([253]), "typed"), { dataType: 2, int32Data: [253] }],
    [
      "float16",
      tensor("w", [1], { dtype: "float16", bits: new Uint16Array([0xbc00]) }, "typed"),
      { dataType: 10, int32Data: [0xbc00] },
    ],
    [
      "bfloat16",
      tensor("w", [1], { dtype: "bfloat16", bits: new Uint16Array([0xbf80]) }, "typed"),
      { dataType: 16, int32Data: [0xbf80] },
    ],
    ["bool", tensor("w", [1], { dtype: "bool", bits: new Uint8Array([1]) }, "typed"), { dataType: 9, int32Data: [1] }],
  ];
  it.each(typed)("stores typed %s in the field the ONNX spec names", (_dtype, built, expected) => {
    expect(built).toMatchObject(expected);
    expect(built.rawData).toHaveLength(0);
  });

  it("refuses a shape that holds another number of elements", () => {
    expect(() => tensor("w", [2, 2], new Float32Array(3))).toThrow("tensor w: shape [2, 2] holds 4 elements, got 3");
  });

  it("takes one element as a scalar", () => {
    expect(tensor("w", [], new Float32Array([4])).dims).toEqual([]);
  });
});

describe("externalTensor", () => {
  it("names file, offset and length and holds no data", () => {
    const built = externalTensor("w", [2, 3], "float32", { location: "w.data", offset: 4096, length: 24 });
    expect(built).toMatchObject({ dims: [2n, 3n], dataType: 1, dataLocation: 1 });
    expect(built.externalData.map(({ key, value }) => [key, value])).toEqual([
      ["location", "w.data"],
      ["offset", "4096"],
      ["length", "24"],
    ]);
    expect(built.rawData).toHaveLength(0);
  });
});

describe("node", () => {
  const attributesOf = (built: { attribute: AttributeProto[] }) =>
    built.attribute.map(({ name, type, f, i, ints, floats }) => ({ name, type, f, i, ints, floats }));

  it("tells whole numbers from fractions, and takes { float } for whole floats", () => {
    const built = node("Op", [], [], { axis: -1, alpha: 0.5, beta: { float: 2 }, big: 2n ** 40n });
    expect(attributesOf(built)).toMatchObject([
      { name: "axis", type: 2, i: -1n },
      { name: "alpha", type: 1, f: 0.5 },
      { name: "beta", type: 1, f: 2 },
      { name: "big", type: 2, i: 2n ** 40n },
    ]);
  });

  it("makes lists INTS unless one entry is a fraction or { floats } says so", () => {
    const built = node("Op", [], [], { perm: [1, 0], none: [], ratios: [1, 0.5], wholes: { floats: [1, 2] } });
    expect(attributesOf(built)).toMatchObject([
      { type: 7, ints: [1n, 0n] },
      { type: 7, ints: [] },
      { type: 6, floats: [1, 0.5] },
      { type: 6, floats: [1, 2] },
    ]);
  });

  it("keeps text, lists of text, tensors and graphs", () => {
    const value = tensor("value", [1], new Float32Array([1]));
    const body = graph({ nodes: [] });
    const [text, list, constant, branch] = node("Op", [], [], {
      equation: "ij,jk->ik",
      activations: ["Tanh", "Relu"],
      value,
      body,
    }).attribute;
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    expect(text).toMatchObject({ type: 3 });
    expect(decode(text!.s)).toBe("ij,jk->ik");
    expect(list).toMatchObject({ type: 8 });
    expect(list!.strings.map(decode)).toEqual(["Tanh", "Relu"]);
    expect(constant).toMatchObject({ type: 4, t: value });
    expect(branch).toMatchObject({ type: 5, g: body });
  });

  it("carries name and domain only when they are given", () => {
    expect(node("Op", ["a"], ["b"], {}, { name: "n", domain: "d" })).toMatchObject({ name: "n", domain: "d" });
    expect(Object.hasOwn(node("Op", [], []), "name")).toBe(false);
  });
});

describe("valueInfo", () => {
  it("writes fixed and named sizes", () => {
    const type = valueInfo("x", "int64", ["batch", 3]).type!.value;
    expect(type).toMatchObject({
      case: "tensorType",
      value: {
        elemType: 7,
        shape: {
          dim: [{ value: { case: "dimParam", value: "batch" } }, { value: { case: "dimValue", value: 3n } }],
        },
      },
    });
  });

  it("refuses a dtype that ONNX does not have", () => {
    expect(() => valueInfo("x", "float", [1])).toThrow(/value x: dtype "float" is none of float32/);
  });
});

describe("buildModel", () => {
  const parts = {
    nodes: [node("Identity", ["w"], ["y"])],
    initializers: [tensor("w", [1], new Float32Array([1]))],
    outputs: [valueInfo("y", "float32", [1])],
  };

  it("defaults to opset 17 and IR version 8", () => {
    const model = fromBinary(ModelProtoSchema, buildModel(parts));
    expect(model.irVersion).toBe(8n);
    expect(model.opsetImport).toMatchObject([{ domain: "", version: 17n }]);
    expect(model.graph!.node[0]!.opType).toBe("Identity");
    expect(model.graph!.initializer[0]!.name).toBe("w");
  });

  it("carries further opsets, functions' domains and metadata", () => {
    const bytes = buildModel({
      ...parts,
      opset: 13,
      irVersion: 7,
      opsetImports: [{ domain: "com.microsoft", version: 1 }],
      metadata: { b: "1", a: "2" },
    });
    const model = fromBinary(ModelProtoSchema, bytes);
    expect(model.irVersion).toBe(7n);
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
      ["", 13n],
      ["com.microsoft", 1n],
    ]);
    expect(model.metadataProps.map(({ key, value }) => [key, value])).toEqual([
      ["b", "1"],
      ["a", "2"],
    ]);
  });

  it("gives the same bytes for the same parts", () => {
    expect(buildModel(parts)).toEqual(buildModel(parts));
  });
});
