import { create } from "@bufbuild/protobuf";
import {
  TensorProto_DataType as DataType,
  decodeModel,
  type Model,
  tensorBytes,
  walkTensors,
  withTensorData,
} from "@espalier/onnx";
import { buildModel, tensor } from "@espalier/testkit";
import { type TensorProto, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { richModel, unknownFields, varintField } from "../fixtures/rich-model.js";
import { concat, record } from "../src/wire-record.js";

function find(model: Model, name: string) {
  return [...walkTensors(model.proto)].find((entry) => entry.tensor.name === name)!.tensor;
}

function richBytes(name: string) {
  const model = decodeModel(richModel());
  return tensorBytes(model, find(model, name));
}

/** A model with one initializer that may contradict itself. */
function withInitializer(proto: TensorProto) {
  const model = decodeModel(buildModel({ nodes: [], initializers: [proto] }));
  return () => tensorBytes(model, model.proto.graph!.initializer[0]!);
}

/** A model with one initializer made of raw fields. */
function withFields(...fields: Uint8Array[]) {
  const model = decodeModel(record(7, record(5, concat(fields))));
  return () => tensorBytes(model, model.proto.graph!.initializer[0]!);
}

describe("tensorBytes", () => {
  it.each([
    ["raw_f32", Float32Array.of(1, 2, 3, 4, 5, 6)],
    ["typed_f32", Float32Array.of(1, 2, 3, 4, 5, 6)],
    ["unpacked", Float32Array.of(1, 2, 3)],
    ["odd", Float32Array.of(10, 20)],
    ["typed_f64", Float64Array.of(0.1, -0)],
    ["typed_f16", Uint16Array.of(0x3c00, 0xc000, 0x0001)],
    ["typed_bool", Uint8Array.of(1, 0, 1)],
    ["typed_i8", Int8Array.of(-1, 2, -128)],
    ["typed_i64", BigInt64Array.of(-(2n ** 63n), 5n)],
    ["typed_u32", Uint32Array.of(4294967295, 1)],
    ["int4", Uint8Array.of(0x21, 0x03)],
    ["scalar", Float32Array.of(42)],
    ["empty", new Float32Array(0)],
    ["constant", Float32Array.of(1, -1, 2, -2)],
    ["then_weight", Float32Array.of(1, 2, 3, 4)],
    ["listed_1", Int32Array.of(8)],
    ["attribute_values", Float32Array.of(9)],
    ["sparse_indices", BigInt64Array.of(0n, 3n)],
    ["function_constant", Float32Array.of(3)],
    ["function_default", Float32Array.of(4)],
    ["training_weight", Float32Array.of(5, 6)],
  ])("reads %s as little-endian elements", (name, expected) => {
    expect(richBytes(name)).toEqual(new Uint8Array(expected.buffer));
  });

  it("gives a fresh buffer of its own, which any typed array fits", () => {
    const bytes = richModel();
    const model = decodeModel(bytes);
    const data = tensorBytes(model, find(model, "raw_f32"));
    expect([data.byteOffset, data.buffer.byteLength]).toEqual([0, 24]);
    data.fill(0);
    expect(tensorBytes(model, find(model, "raw_f32"))).not.toEqual(data);
  });

  it("gives a fresh buffer for edits too", () => {
    const model = decodeModel(richModel());
    const kept = new Uint8Array(24);
    const edited = withTensorData(model, new Map([[find(model, "raw_f32"), () => kept]]));
    tensorBytes(edited, find(model, "raw_f32")).fill(1);
    expect(kept).toEqual(new Uint8Array(24));
  });

  it("packs two 4-bit elements of int32_data into each byte, as the numbers there are bytes", () => {
    const proto = create(TensorProtoSchema, { dims: [3n], dataType: DataType.UINT4, int32Data: [0x21, 0x03] });
    expect(withInitializer(proto)()).toEqual(Uint8Array.of(0x21, 0x03));
  });

  it("reads a bool that is stored as another number than 1 as true", () => {
    const proto = create(TensorProtoSchema, { dims: [3n], dataType: DataType.BOOL, int32Data: [256, 0, -1] });
    expect(withInitializer(proto)()).toEqual(Uint8Array.of(1, 0, 1));
  });

  it("reads complex numbers as pairs", () => {
    const proto = create(TensorProtoSchema, { dims: [1n], dataType: DataType.COMPLEX64, floatData: [1, 2] });
    expect(withInitializer(proto)()).toEqual(new Uint8Array(Float32Array.of(1, 2).buffer));
  });

  it("refuses strings", () => {
    expect(() => richBytes("strings")).toThrow(expect.objectContaining({ code: "unsupported-dtype" }));
  });

  it("refuses a tensor of another model", () => {
    const model = decodeModel(richModel());
    const other = decodeModel(richModel());
    expect(() => tensorBytes(model, find(other, "raw_f32"))).toThrow(
      expect.objectContaining({ code: "unknown-tensor" }),
    );
  });
});

describe("tensorBytes of a tensor that lies about its size", () => {
  const cases: readonly [string, () => unknown, string][] = [
    // 2^40 elements and no data: allocating first would take 4 TB.
    ["absurd dims without data", withInitializer(lying([2n ** 40n], {})), "shape-mismatch"],
    // The product leaves the range of exact numbers, and of 64 bits.
    ["dims whose product overflows", withInitializer(lying([2n ** 62n, 2n ** 62n, 2n ** 62n], {})), "shape-mismatch"],
    ["absurd dims with typed data", withInitializer(lying([2n ** 40n], { floatData: [1] })), "shape-mismatch"],
    ["a negative dim", withInitializer(lying([-1n], {})), "malformed"],
    // A zero does not excuse a negative.
    ["a negative dim beside a zero", withInitializer(lying([0n, -1n], {})), "malformed"],
    ["raw_data one byte short", withInitializer(lying([2n], { rawData: new Uint8Array(7) })), "shape-mismatch"],
    ["raw_data one element long", withInitializer(lying([2n], { rawData: new Uint8Array(12) })), "shape-mismatch"],
    ["data for dims with a zero", withInitializer(lying([0n], { rawData: new Uint8Array(4) })), "shape-mismatch"],
    ["a typed list one short", withInitializer(lying([3n], { floatData: [1, 2] })), "shape-mismatch"],
    ["a typed list one long", withInitializer(lying([1n], { floatData: [1, 2] })), "shape-mismatch"],
    // 12 bytes of varints, but only two numbers: enough bytes for the first check, too few numbers.
    ["long varints", withInitializer(lying([3n], { int32Data: [-1, 5] }, DataType.INT32)), "shape-mismatch"],
    ["data in a field its type does not use", withInitializer(lying([1n], { doubleData: [1] })), "malformed"],
    ["data in two fields", withInitializer(lying([1n], { floatData: [1], rawData: new Uint8Array(4) })), "malformed"],
    ["no data type", withInitializer(lying([1n], { rawData: new Uint8Array(4) }, 0)), "unsupported-dtype"],
    // The list claims whole varints, but the last one has no last byte.
    [
      "a varint cut off by the end of its list",
      withFields(record(5, Uint8Array.of(1, 0x80)), dims(2), int32()),
      "malformed",
    ],
    // 11 bytes that all say "more follows".
    ["an endless varint", withFields(record(5, new Uint8Array(11).fill(0x80)), dims(2), int32()), "malformed"],
  ];

  it.each(cases)("refuses %s", (_, read, code) => {
    expect(read).toThrow(expect.objectContaining({ name: "OnnxError", code }));
  });

  it("names tensor, dims, expected and found size", () => {
    expect(withInitializer(lying([2n, 3n], { rawData: new Uint8Array(4) }))).toThrow(
      'tensor "w" (float32 [2, 3]) should have 24 bytes, but raw_data has 4 bytes',
    );
  });

  it("cuts long names and hides control characters in messages", () => {
    const proto = lying([2n], {});
    proto.name = `\u001b[31m${"x".repeat(1e6)}`;
    expect(withInitializer(proto)).toThrow(/^tensor "\\u001b\[31mx{75}…" /);
  });

  it("takes a zero dim beside an absurd one as no elements", () => {
    expect(withInitializer(lying([2n ** 62n, 0n, 2n ** 62n], {}))()).toEqual(new Uint8Array(0));
  });

  it("skips empty data fields and unknown ones", () => {
    const fields = [record(4, new Uint8Array(0)), unknownFields(), record(5, Uint8Array.of(1, 2)), dims(2), int32()];
    expect(withFields(...fields)()).toEqual(new Uint8Array(Int32Array.of(1, 2).buffer));
  });
});

function lying(tensorDims: bigint[], data: Partial<TensorProto>, dataType: number = DataType.FLOAT): TensorProto {
  const proto = tensor("w", [0], new Float32Array(0));
  return Object.assign(proto, { dims: tensorDims, dataType }, data);
}

function dims(size: number): Uint8Array {
  return varintField(1, size);
}

function int32(): Uint8Array {
  return varintField(2, DataType.INT32);
}
