import { readFileSync } from "node:fs";
import { createRegistry, equals, fromBinary } from "@bufbuild/protobuf";
import { decodeModel, encodeModel, type Model, tensorBytes, walkTensors, withTensorData } from "@espalier/onnx";
import { buildModel, graph, node, ocrModelPath, tensor } from "@espalier/testkit";
import fc from "fast-check";
import { TensorProto_DataType as DataType, type ModelProto, ModelProtoSchema, type TensorProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { richModel } from "../fixtures/rich-model.js";

/** The whole model as onnx-buf decodes it, independently of this package. */
function independent(bytes: Uint8Array): ModelProto {
  return fromBinary(ModelProtoSchema, bytes);
}

function tensorsOf(proto: ModelProto): readonly TensorProto[] {
  return [...walkTensors(proto)].map((entry) => entry.tensor);
}

/** Equal in everything but numeric data, unknown fields included. Empties the data of both. */
function equalStructure(a: ModelProto, b: ModelProto): boolean {
  for (const proto of [...tensorsOf(a), ...tensorsOf(b)]) {
    Object.assign(proto, { floatData: [], int32Data: [], int64Data: [], doubleData: [], uint64Data: [] });
    proto.rawData = new Uint8Array(0);
  }
  return equals(ModelProtoSchema, a, b, { unknown: true, registry: createRegistry() });
}

/** Every numeric tensor with its bits flipped. */
function flipped(model: Model): Map<TensorProto, () => Uint8Array> {
  const numeric = tensorsOf(model.proto).filter(({ dataType }) => dataType !== DataType.STRING);
  return new Map(numeric.map((proto) => [proto, () => tensorBytes(model, proto).map((byte) => byte ^ 0xff)]));
}

describe("withTensorData", () => {
  it("changes the data of every form of tensor, and nothing else, as an independent decoder sees it", () => {
    const model = decodeModel(richModel());
    const edits = flipped(model);
    const out = encodeModel(withTensorData(model, edits));
    const after = independent(out);
    const expected = [...edits.values()].map((edit) => edit());
    const found = tensorsOf(after).filter(({ dataType }) => dataType !== DataType.STRING);
    expect(found.map(({ rawData, floatData, doubleData }) => rawOrTyped(rawData, floatData, doubleData))).toEqual(
      expected,
    );
    expect(equalStructure(independent(richModel()), after)).toBe(true);
  });

  it("overwrites raw_data and packed floats in place: the file keeps its size and every other byte", () => {
    const bytes = richModel();
    const model = decodeModel(bytes);
    const names = ["raw_f32", "typed_f32", "typed_f64", "odd", "int4", "constant", "else_weight"];
    const edits = new Map([...flipped(model)].filter(([{ name }]) => names.includes(name)));
    expect(edits.size).toBe(names.length);
    const out = encodeModel(withTensorData(model, edits));
    expect(out.length).toBe(bytes.length);
    const changed = out.filter((byte, index) => byte !== bytes[index]);
    expect(changed.length).toBe([...edits.keys()].reduce((sum, proto) => sum + tensorBytes(model, proto).length, 0));
  });

  it("replaces varints and single values by raw_data", () => {
    const model = decodeModel(richModel());
    const names = ["typed_f16", "typed_i64", "unpacked"];
    const out = encodeModel(withTensorData(model, flipped(model)));
    const found = tensorsOf(independent(out)).filter(({ name }) => names.includes(name));
    expect(found.map((proto) => [proto.rawData.length, proto.int32Data, proto.int64Data, proto.floatData])).toEqual([
      [6, [], [], []],
      [16, [], [], []],
      [12, [], [], []],
    ]);
  });

  it("changes no byte when it edits a tensor without elements", () => {
    const model = decodeModel(richModel());
    const empty = tensorsOf(model.proto).find(({ name }) => name === "empty")!;
    expect(encodeModel(withTensorData(model, new Map([[empty, () => new Uint8Array(0)]])))).toEqual(richModel());
  });

  it("leaves the model it was given as it is", () => {
    const model = decodeModel(richModel());
    withTensorData(model, flipped(model));
    expect(encodeModel(model)).toEqual(richModel());
  });

  it("lets a later edit of a tensor win and keeps earlier ones of others", () => {
    const bytes = buildModel({ nodes: [], initializers: [int8("a"), int8("b")] });
    const model = decodeModel(bytes);
    const [a, b] = model.proto.graph!.initializer;
    const once = withTensorData(model, edit([a!, 1], [b!, 2]));
    const twice = withTensorData(once, edit([a!, 3]));
    expect([tensorBytes(twice, a!), tensorBytes(twice, b!), tensorBytes(once, a!)]).toEqual([
      Uint8Array.of(3),
      Uint8Array.of(2),
      Uint8Array.of(1),
    ]);
  });

  it("edits real weights in Constant nodes exactly where they are", () => {
    const bytes = readFileSync(ocrModelPath("classification"));
    const model = decodeModel(bytes);
    const edits = flipped(model);
    const out = encodeModel(withTensorData(model, edits));
    expect(out.length).toBe(bytes.length);
    const after = decodeModel(out);
    expect(
      sameBytes(
        dataOf(after),
        [...edits.values()].map((apply) => apply()),
      ),
    ).toBe(true);
    expect(equalStructure(independent(bytes), independent(out))).toBe(true);
  });

  it("fixes the lengths of all messages around data that changes its size, for any size", () => {
    // int64_data of small numbers takes 1 byte a number and raw_data 8: lengths pass 127 and 16383 at several levels.
    const sizes = fc.array(fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(14, 15, 2040, 2050)), { maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.boolean(), (lengths, both) => {
        const weights = lengths.map((length, index) =>
          tensor(
            `w${index}`,
            [length],
            BigInt64Array.from({ length }, (_, at) => BigInt(at % 100)),
            "typed",
          ),
        );
        const inner = graph({ nodes: [], initializers: weights });
        const bytes = buildModel({
          nodes: [node("If", ["c"], ["y"], { then_branch: inner }), node("If", ["c"], ["z"], { else_branch: inner })],
          initializers: weights,
        });
        const model = decodeModel(bytes);
        const edited = tensorsOf(model.proto).filter((_, index) => both || index % 2 === 0);
        const apply = new Map(edited.map((proto) => [proto, () => tensorBytes(model, proto)]));
        const out = encodeModel(withTensorData(model, apply));
        const after = decodeModel(out);
        expect(sameBytes(dataOf(after), dataOf(model))).toBe(true);
        expect(equalStructure(independent(bytes), independent(out))).toBe(true);
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  it("refuses data of another size, when it is computed", () => {
    const model = decodeModel(buildModel({ nodes: [], initializers: [int8("a")] }));
    const edited = withTensorData(model, new Map([[model.proto.graph!.initializer[0]!, () => new Uint8Array(2)]]));
    const refusal = expect.objectContaining({ code: "shape-mismatch" });
    expect(() => encodeModel(edited)).toThrow(refusal);
    expect(() => tensorBytes(edited, model.proto.graph!.initializer[0]!)).toThrow(refusal);
  });

  it("refuses strings and tensors of another model at once", () => {
    const model = decodeModel(richModel());
    const strings = tensorsOf(model.proto).find(({ name }) => name === "strings")!;
    const other = tensorsOf(decodeModel(richModel()).proto)[0]!;
    expect(() => withTensorData(model, edit([strings, 1]))).toThrow(
      expect.objectContaining({ code: "unsupported-dtype" }),
    );
    expect(() => withTensorData(model, edit([other, 1]))).toThrow(expect.objectContaining({ code: "unknown-tensor" }));
  });
});

function dataOf(model: Model): readonly Uint8Array[] {
  return tensorsOf(model.proto).map((proto) => tensorBytes(model, proto));
}

/** Much faster than a deep comparison that could show differences. */
function sameBytes(found: readonly Uint8Array[], expected: readonly Uint8Array[]): boolean {
  return (
    found.length === expected.length && found.every((bytes, index) => Buffer.compare(bytes, expected[index]!) === 0)
  );
}

function int8(name: string): TensorProto {
  return tensor(name, [1], Int8Array.of(0));
}

function edit(...values: [TensorProto, number][]): Map<TensorProto, () => Uint8Array> {
  return new Map(values.map(([proto, value]) => [proto, () => Uint8Array.of(value)]));
}

function rawOrTyped(raw: Uint8Array, floats: readonly number[], doubles: readonly number[]): Uint8Array {
  if (floats.length > 0) return new Uint8Array(Float32Array.from(floats).buffer);
  if (doubles.length > 0) return new Uint8Array(Float64Array.from(doubles).buffer);
  return new Uint8Array(raw);
}
