import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeModel,
  encodeModel,
  externalDataFiles,
  modelSize,
  readModel,
  tensorBytes,
  type WriteOptions,
  walkTensors,
  withTensorData,
  writeModel,
} from "@espalier/onnx";
import { buildModel, externalTensor, node, ocrModelPath, tensor } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { richModel } from "../fixtures/rich-model.js";

describe("encodeModel", () => {
  it.each(["recognition", "detection", "classification"] as const)("gives PP-OCR %s back byte for byte", (name) => {
    const path = ocrModelPath(name);
    const bytes = readFileSync(path);
    expect(bytes.equals(encodeModel(decodeModel(bytes)))).toBe(true);
    expect(bytes.equals(encodeModel(readModel(path)))).toBe(true);
  });

  it("gives fields out of order, unknown fields, overlong lengths, functions and several opsets back byte for byte", () => {
    expect(encodeModel(decodeModel(richModel()))).toEqual(richModel());
  });

  it("gives a model back whose external data is missing", () => {
    const weight = externalTensor("w", [2], "float32", { location: "gone.bin", offset: 0, length: 8 });
    const bytes = buildModel({ nodes: [], initializers: [weight] });
    expect(encodeModel(decodeModel(bytes))).toEqual(bytes);
  });

  it("does not hand out the caller's memory", () => {
    const bytes = richModel();
    encodeModel(decodeModel(bytes)).fill(0);
    expect(bytes).toEqual(richModel());
  });

  it("asks each edit for its data once", () => {
    const model = decodeModel(buildModel({ nodes: [], initializers: [tensor("w", [2], Float32Array.of(1, 2))] }));
    let calls = 0;
    const edit = () => {
      calls++;
      return new Uint8Array(8);
    };
    encodeModel(withTensorData(model, new Map([[model.proto.graph!.initializer[0]!, edit]])));
    expect(calls).toBe(1);
  });
});

describe("externalDataFiles", () => {
  const weight = (name: string, location: string, offset: number, length = 8) =>
    externalTensor(name, [length / 4], "float32", { location, offset, length });
  const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

  it("has the file of every location with edits in their old places and all other bytes kept", () => {
    const bytes = buildModel({ nodes: [], initializers: [weight("a", "w.bin", 4), weight("b", "other.bin", 0)] });
    const data = bytesOf(1, 2, 3, 4);
    const files = new Map([
      ["w.bin", data],
      ["other.bin", bytesOf(5, 6)],
    ]);
    const model = decodeModel(bytes, { externalData: files });
    const edited = withTensorData(model, new Map([[model.proto.graph!.initializer[0]!, () => bytesOf(0, 7)]]));
    const out = externalDataFiles(edited);
    expect([...out.keys()]).toEqual(["w.bin", "other.bin"]);
    expect(out.get("w.bin")!()).toEqual(bytesOf(1, 0, 7, 4));
    expect(out.get("other.bin")!()).toEqual(bytesOf(5, 6));
    expect(encodeModel(edited)).toEqual(bytes);
    expect(data).toEqual(bytesOf(1, 2, 3, 4));
  });

  it("moves an edited tensor that shares bytes with another to the next page, so that only it changes", () => {
    const bytes = buildModel({ nodes: [], initializers: [weight("a", "w.bin", 0), weight("tied", "w.bin", 0)] });
    const model = decodeModel(bytes, { externalData: new Map([["w.bin", bytesOf(1, 2)]]) });
    const edited = withTensorData(model, new Map([[model.proto.graph!.initializer[0]!, () => bytesOf(0, 2)]]));
    const out = externalDataFiles(edited).get("w.bin")!();
    expect([out.length, out.slice(0, 8), out.slice(4096)]).toEqual([4104, bytesOf(1, 2), bytesOf(0, 2)]);
    const [a, tied] = decodeModel(encodeModel(edited)).proto.graph!.initializer;
    expect(a!.externalData.map(({ key, value }) => `${key}=${value}`)).toEqual([
      "location=w.bin",
      "offset=4096",
      "length=8",
    ]);
    expect(tied!.externalData.map(({ value }) => value)).toEqual(["w.bin", "0", "8"]);
  });

  it("takes and replaces the last of several entries of one key, as ONNX Runtime does", () => {
    const proto = weight("a", "w.bin", 0);
    proto.externalData.push({ ...proto.externalData[1]!, value: "8" });
    const files = new Map([["w.bin", bytesOf(1, 2, 3, 4)]]);
    const model = decodeModel(buildModel({ nodes: [], initializers: [proto, weight("tied", "w.bin", 8)] }), {
      externalData: files,
    });
    const [a] = model.proto.graph!.initializer;
    expect(tensorBytes(model, a!)).toEqual(bytesOf(3, 4));
    const out = decodeModel(encodeModel(withTensorData(model, new Map([[a!, () => bytesOf(5, 6)]]))));
    const entries = out.proto.graph!.initializer[0]!.externalData.map(({ key, value }) => `${key}=${value}`);
    expect(entries).toEqual(["location=w.bin", "offset=0", "length=8", "offset=4096"]);
  });

  it("finds tensors that overlap only in part, also across one that lies between", () => {
    const initializers = [
      weight("long", "w.bin", 0, 16),
      weight("inside", "w.bin", 4),
      weight("end", "w.bin", 12),
      weight("free", "w.bin", 20),
    ];
    const model = decodeModel(buildModel({ nodes: [], initializers }), {
      externalData: new Map([["w.bin", bytesOf(1, 2, 3, 4, 5, 6, 7)]]),
    });
    const zero = new Map(model.proto.graph!.initializer.slice(1).map((proto) => [proto, () => new Uint8Array(8)]));
    const edited = withTensorData(model, zero);
    const offsets = decodeModel(encodeModel(edited)).proto.graph!.initializer.map(
      ({ externalData }) => externalData[1]!.value,
    );
    expect(offsets).toEqual(["0", "4096", "8192", "20"]);
    expect(externalDataFiles(edited).get("w.bin")!().slice(0, 28)).toEqual(bytesOf(1, 2, 3, 4, 5, 0, 0));
  });

  it("removes a checksum that no longer holds and keeps the one of an untouched file", () => {
    const checked = (name: string, location: string) => {
      const proto = weight(name, location, 0);
      proto.externalData.push({ ...proto.externalData[0]!, key: "checksum", value: "abc" });
      return proto;
    };
    const bytes = buildModel({
      nodes: [node("Add", ["a", "b"], ["y"])],
      initializers: [checked("a", "1"), checked("b", "2")],
    });
    const files = new Map([
      ["1", new Uint8Array(8)],
      ["2", new Uint8Array(8)],
    ]);
    const model = decodeModel(bytes, { externalData: files });
    const first = [...walkTensors(model.proto)][0]!.tensor;
    const out = decodeModel(encodeModel(withTensorData(model, new Map([[first, () => bytesOf(1, 2)]]))));
    const keys = out.proto.graph!.initializer.map(({ externalData }) => externalData.map(({ key }) => key));
    expect(keys).toEqual([
      ["location", "offset", "length"],
      ["location", "offset", "length", "checksum"],
    ]);
  });
});

describe("modelSize", () => {
  it("adds the model file and each data file once, edits that change the length included", () => {
    const shared = (name: string, offset: number) =>
      externalTensor(name, [2], "float32", { location: "w.bin", offset, length: 8 });
    const bytes = buildModel({
      nodes: [node("Add", ["half", "half"], ["y"])],
      // 1.0 as float16 in int32_data takes two varint bytes an entry; zeros take raw_data instead
      initializers: [
        shared("a", 0),
        shared("b", 8),
        tensor("half", [3], { dtype: "float16", bits: new Uint16Array(3).fill(0x3c00) }, "typed"),
      ],
    });
    const model = decodeModel(bytes, { externalData: new Map([["w.bin", new Uint8Array(20)]]) });
    expect(modelSize(model)).toBe(bytes.length + 20);
    const half = model.proto.graph!.initializer[2]!;
    const edited = withTensorData(model, new Map([[half, () => new Uint8Array(6)]]));
    expect(modelSize(edited)).toBe(encodeModel(edited).length + 20);
  });

  it("is that of the files as they are written: embedded, packed into one file, without what no tensor has", () => {
    const folder = mkdtempSync(join(tmpdir(), "espalier-size-"));
    try {
      const location = { location: "w.bin", offset: 8192, length: 8 };
      const big = tensor(
        "big",
        [512],
        Float32Array.from({ length: 512 }, (_, index) => index),
      );
      const bytes = buildModel({
        nodes: [node("Add", ["a", "a"], ["y"])],
        initializers: [externalTensor("a", [2], "float32", location), big],
      });
      const model = decodeModel(bytes, { externalData: new Map([["w.bin", new Uint8Array(100_000)]]) });
      const written = (options: WriteOptions) => {
        const { path, externalData } = writeModel(model, join(folder, "m.onnx"), options);
        return [path, ...externalData].reduce((sum, file) => sum + statSync(file).size, 0);
      };
      for (const externalData of ["keep", "embed", { location: "packed.bin" }] as const) {
        expect(modelSize(model, { externalData })).toBe(written({ externalData }));
      }
      expect(encodeModel(model, { externalData: "embed" })).toHaveLength(written({ externalData: "embed" }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
