import { decodeModel, encodeModel } from "@espalier/onnx";
import { buildModel, node, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { richModel, text, varintField } from "../fixtures/rich-model.js";
import { concat, record } from "../src/wire-record.js";

const latin1 = (value: string) => Uint8Array.from(value, (character) => character.charCodeAt(0));

describe("decodeModel", () => {
  it("hands out the structure without any numeric data", () => {
    const { proto } = decodeModel(richModel());
    const [raw, typed] = proto.graph!.initializer;
    expect([raw!.name, raw!.dims, raw!.rawData.length, typed!.floatData]).toEqual(["raw_f32", [2n, 3n], 0, []]);
    expect(proto.graph!.node.map(({ opType }) => opType)).toEqual(["Constant", "Constant", "If", "Custom", "Add"]);
    expect(proto.graph!.node[1]!.attribute.map(({ floats, ints }) => [floats, ints])).toEqual([
      [[0.5, 0.25], []],
      [[], [1n, -1n]],
    ]);
    expect(proto.opsetImport.map(({ domain, version }) => `${domain}:${version}`)).toEqual([
      ":17",
      "com.example:3",
      "ai.onnx.ml:4",
    ]);
  });

  it("accepts the smallest models", () => {
    const smallest = Uint8Array.of(0x3a, 0); // an empty graph and nothing else
    expect(encodeModel(decodeModel(smallest))).toEqual(smallest);
    const names = buildModel({
      nodes: [node("Identity", ["text"], ["copy"])],
      inputs: [valueInfo("text", "string", [])],
    });
    expect(encodeModel(decodeModel(names))).toEqual(names);
  });

  it("accepts a model of functions only", () => {
    const library = concat([varintField(1, 9), record(25, record(1, text("F")))]);
    expect(decodeModel(library).proto.functions[0]!.name).toBe("F");
  });

  it("merges a graph that comes in two parts, as protobuf does", () => {
    const part = (name: string) => record(7, record(5, concat([record(8, text(name)), record(9, text("data"))])));
    const bytes = concat([part("a"), part("b")]);
    const model = decodeModel(bytes);
    expect(model.proto.graph!.initializer.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(encodeModel(model)).toEqual(bytes);
  });
});

describe("decodeModel of something else", () => {
  const cases: readonly [string, Uint8Array, string][] = [
    ["an empty file", new Uint8Array(0), "it is empty"],
    ["a text file", text("hello, this is no model at all"), 'it is text that starts with "hello, this is no model …"'],
    ["a web page", text("<!DOCTYPE html>\n<html>"), 'it is text that starts with "<!DOCTYPE html>'],
    ["a Git LFS pointer", text("version https://git-lfs.github.com/spec/v1\noid sha256:00"), "git lfs pull"],
    ["a PNG image", latin1("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "a PNG image"],
    ["a ZIP archive", latin1("PK\x03\x04\x14\0\0\0\x08\0"), "a ZIP archive"],
    ["a gzip archive", latin1("\x1f\x8b\x08\0\0\0\0\0"), "a gzip archive"],
    ["an ORT model", latin1("\x10\0\0\0ORTM\0\0"), "ORT format"],
    ["a TensorFlow Lite model", latin1("\x1c\0\0\0TFL3\0\0"), "TensorFlow Lite"],
    ["a safetensors file", latin1('\x40\0\0\0\0\0\0\0{"a":{}}'), "a safetensors file"],
    // GraphDef: field 1 holds nodes, where a model has its version.
    ["another protobuf message", record(1, record(1, text("node"))), "does not start with a field of a model"],
    // A tensor of ONNX's own test data: dims, then data type where a model has a name.
    [
      "a tensor file",
      concat([varintField(1, 2), varintField(2, 1), record(9, new Uint8Array(8))]),
      "this is no ONNX model",
    ],
    ["a protobuf message without a graph", varintField(1, 9), "a protobuf message without a graph"],
    ["binary noise", Uint8Array.of(0xff, 0xfe, 0, 1, 2, 3), "does not start with a field of a model"],
  ];

  it.each(cases)("says what %s is", (_, bytes, message) => {
    const attempt = () => decodeModel(bytes);
    expect(attempt).toThrow(expect.objectContaining({ name: "OnnxError", code: "not-onnx", offset: 0 }));
    expect(attempt).toThrow(message);
  });
});
