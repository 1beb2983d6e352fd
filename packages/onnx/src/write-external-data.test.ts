import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { decodeModel, metadata, readModel, tensorBytes, withMetadata, writeModel } from "@espalier/onnx";
import { buildModel, externalTensor, tensor } from "@espalier/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  edited,
  find,
  floats,
  makeWorkspace,
  sha256,
  snapshot,
  valuesIn,
  type Workspace,
  writeExternalModel,
} from "../fixtures/external-model.js";
import { richModel } from "../fixtures/rich-model.js";

let workspace: Workspace;
let root: string;
let input: string;
let output: string;

beforeEach(() => {
  workspace = makeWorkspace();
  ({ root, input, output } = workspace);
});

afterEach(() => workspace.remove());

const failure = (code: string) => expect.objectContaining({ name: "OnnxError", code });

describe("writeModel that keeps external data", () => {
  it("puts files of the same names beside the new model, with edits in place", () => {
    const path = writeExternalModel(
      input,
      { a: ["data/w.bin", 4], b: ["b.bin", 0] },
      { "data/w.bin": floats(1, 2, 3, 4), "b.bin": floats(5, 6) },
    );
    const written = writeModel(edited(readModel(path), { a: [20, 30] }), join(output, "pruned.onnx"));
    expect(written.externalData).toEqual([join(output, "data/w.bin"), join(output, "b.bin")]);
    expect(new Uint8Array(readFileSync(join(output, "data/w.bin")))).toEqual(floats(1, 20, 30, 4));
    expect(new Uint8Array(readFileSync(join(output, "b.bin")))).toEqual(floats(5, 6));
    expect(readFileSync(join(output, "pruned.onnx")).equals(readFileSync(path))).toBe(true);
  });

  it("leaves the input's data alone when it writes to the same folder: edited data gets the output's name", () => {
    const path = writeExternalModel(
      input,
      { a: ["model.onnx_data", 0], b: ["other.bin", 0] },
      { "model.onnx_data": floats(1, 2), "other.bin": floats(5, 6) },
    );
    const before = snapshot(input);
    const target = join(input, "pruned.onnx");
    const written = writeModel(edited(readModel(path), { a: [10, 20] }), target);
    expect(written.externalData).toEqual([join(input, "pruned.onnx_data"), join(input, "other.bin")]);
    expect([valuesIn(path, "a"), valuesIn(target, "a"), valuesIn(target, "b")]).toEqual([
      [1, 2],
      [10, 20],
      [5, 6],
    ]);
    expect(snapshot(input)).toEqual(expect.arrayContaining(before));
    expect(readdirSync(input).sort()).toEqual([
      "model.onnx",
      "model.onnx_data",
      "other.bin",
      "pruned.onnx",
      "pruned.onnx_data",
    ]);
  });

  it("puts the output's name before other names", () => {
    const path = writeExternalModel(input, { a: ["data/w.bin", 0] }, { "data/w.bin": floats(1, 2) });
    const written = writeModel(edited(readModel(path), { a: [10, 20] }), join(input, "pruned.onnx"));
    expect(written.externalData).toEqual([join(input, "data/pruned.onnx.w.bin")]);
    expect(valuesIn(join(input, "pruned.onnx"), "a")).toEqual([10, 20]);
  });

  it("shares unedited data within a folder, without reading it", () => {
    const path = writeExternalModel(input, { a: ["missing.bin", 0] }, {});
    writeModel(withMetadata(readModel(path), new Map([["note", "x"]])), join(input, "noted.onnx"));
    expect(metadata(readModel(join(input, "noted.onnx")))).toEqual(new Map([["note", "x"]]));
    expect(readdirSync(input).sort()).toEqual(["model.onnx", "noted.onnx"]);
  });

  it("writes no data file when the edits change nothing, and leaves the one that is there as it is", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 0] }, { "w.bin": floats(1, 2) });
    const model = readModel(path);
    writeModel(edited(model, { a: [1, 2] }), join(input, "same.onnx"));
    expect(readdirSync(input).sort()).toEqual(["model.onnx", "same.onnx", "w.bin"]);
    // A file that was replaced, even by the same bytes, would be refused as changed.
    expect(tensorBytes(model, find(model, "a"))).toEqual(floats(1, 2));
  });

  it("writes over its own input: the old data stays, the model names the new", () => {
    const path = writeExternalModel(input, { a: ["model.onnx.data", 0] }, { "model.onnx.data": floats(1, 2) });
    const written = writeModel(edited(readModel(path), { a: [10, 20] }), path);
    const hash = sha256(floats(10, 20)).slice(0, 16);
    expect(written.externalData).toEqual([join(input, `model.onnx.data.${hash}`)]);
    expect(valuesIn(path, "a")).toEqual([10, 20]);
    expect(new Uint8Array(readFileSync(join(input, "model.onnx.data")))).toEqual(floats(1, 2));
  });

  it("does not overwrite a file of the name with other content, and writes the same again and again", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 0] }, { "w.bin": floats(1, 2) });
    const target = join(output, "pruned.onnx");
    writeFileSync(join(output, "w.bin"), "data of another model");
    writeModel(edited(readModel(path), { a: [10, 20] }), target);
    const first = snapshot(output);
    expect(readFileSync(join(output, "w.bin"), "utf8")).toBe("data of another model");
    expect(valuesIn(target, "a")).toEqual([10, 20]);
    writeModel(edited(readModel(path), { a: [10, 20] }), target);
    expect(snapshot(output)).toEqual(first);
    writeModel(edited(readModel(path), { a: [11, 21] }), target);
    expect(valuesIn(target, "a")).toEqual([11, 21]);
    writeModel(edited(readModel(path), { a: [10, 20] }), target);
    expect(snapshot(output)).toEqual(expect.arrayContaining(first));
  });

  it("tells files apart that would get one name, and one that would get the model's", () => {
    const path = writeExternalModel(
      input,
      { a: ["w.bin", 0], b: ["W.bin", 0], c: ["pruned.onnx", 0] },
      { "w.bin": floats(1, 2), "W.bin": floats(3, 4), "pruned.onnx": floats(5, 6) },
    );
    const target = join(output, "pruned.onnx");
    const written = writeModel(readModel(path), target);
    expect(written.externalData.map((name) => name.slice(output.length + 1))).toEqual([
      "w.bin",
      "pruned.onnx.W.bin",
      "pruned.onnx.pruned.onnx",
    ]);
    expect(["a", "b", "c"].map((name) => valuesIn(target, name))).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  it("writes a tensor that shares its bytes elsewhere, so that the other keeps its values", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 0], tied: ["w.bin", 0] }, { "w.bin": floats(1, 2) });
    const target = join(output, "model.onnx");
    writeModel(edited(readModel(path), { a: [0, 2] }), target);
    expect([valuesIn(target, "a"), valuesIn(target, "tied")]).toEqual([
      [0, 2],
      [1, 2],
    ]);
  });

  it("keeps the checksum of data that only got another name", () => {
    const weight = externalTensor("a", [2], "float32", { location: "w.bin", offset: 0, length: 8 });
    weight.externalData.push({ ...weight.externalData[0]!, key: "checksum", value: "abc" });
    writeFileSync(join(output, "w.bin"), "data of another model");
    const model = decodeModel(buildModel({ nodes: [], initializers: [weight] }), {
      externalData: new Map([["w.bin", floats(1, 2)]]),
    });
    writeModel(model, join(output, "model.onnx"));
    const [entries] = readModel(join(output, "model.onnx")).proto.graph!.initializer;
    expect(entries!.externalData.map(({ key, value }) => `${key}=${value}`)).toEqual([
      "location=model.onnx.w.bin",
      "offset=0",
      "length=8",
      "checksum=abc",
    ]);
  });

  it("writes models that never were on disk", () => {
    const bytes = buildModel({
      nodes: [],
      initializers: [externalTensor("a", [2], "float32", { location: "w.bin", offset: 0, length: 8 })],
    });
    writeModel(decodeModel(bytes, { externalData: new Map([["./w.bin", floats(1, 2)]]) }), join(output, "model.onnx"));
    expect(valuesIn(join(output, "model.onnx"), "a")).toEqual([1, 2]);
  });

  it("does not follow a link out of the output's folder", () => {
    const path = writeExternalModel(input, { a: ["sub/w.bin", 0] }, { "sub/w.bin": floats(1, 2) });
    symlinkSync(root, join(output, "sub"));
    expect(() => writeModel(readModel(path), join(output, "model.onnx"))).toThrow(failure("external-escape"));
    expect(readdirSync(root).sort()).toEqual(["in", "out"]);
  });
});

describe("writeModel that embeds external data", () => {
  it("makes one file of everything, edits included", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 4], b: ["w.bin", 0] }, { "w.bin": floats(1, 2, 3) });
    const target = join(output, "model.onnx");
    expect(
      writeModel(edited(readModel(path), { a: [20, 30] }), target, { externalData: "embed" }).externalData,
    ).toEqual([]);
    const { initializer } = decodeModel(readFileSync(target)).proto.graph!;
    expect(initializer.map(({ externalData, dataLocation }) => [externalData, dataLocation])).toEqual([
      [[], 0],
      [[], 0],
    ]);
    expect([valuesIn(target, "a"), valuesIn(target, "b")]).toEqual([
      [20, 30],
      [1, 2],
    ]);
    expect(readdirSync(output)).toEqual(["model.onnx"]);
  });

  it("refuses more than 2 GB before it writes anything", () => {
    const count = 2 ** 29;
    const weight = externalTensor("w", [count], "float32", { location: "w.bin", offset: 0, length: 4 * count });
    writeFileSync(join(input, "model.onnx"), buildModel({ nodes: [], initializers: [weight] }));
    const data = openSync(join(input, "w.bin"), "w");
    ftruncateSync(data, 4 * count); // a hole: takes no space
    closeSync(data);
    const model = readModel(join(input, "model.onnx"));
    const attempt = () => writeModel(model, join(output, "model.onnx"), { externalData: "embed" });
    expect(attempt).toThrow(failure("too-large"));
    expect(readdirSync(output)).toEqual([]);
  });
});

describe("writeModel that packs data into one file", () => {
  const big = (name: string, value: number) => tensor(name, [256], new Float32Array(256).fill(value));

  it("aligns tensors to 4096 bytes, writes tied ones once, and leaves small and string initializers in the model", () => {
    const ties = ["tied_1", "tied_2"].map((name) =>
      externalTensor(name, [2], "float32", { location: "w.bin", offset: 4, length: 8 }),
    );
    const initializers = [big("big", 3), ...ties, tensor("small", [255], new Float32Array(255))];
    writeFileSync(join(input, "model.onnx"), buildModel({ nodes: [], initializers }));
    writeFileSync(join(input, "w.bin"), floats(0, 1, 2));
    const target = join(output, "model.onnx");
    const written = writeModel(readModel(join(input, "model.onnx")), target, {
      externalData: { location: "./data/all.bin" },
    });
    expect(written.externalData).toEqual([join(output, "data/all.bin")]);
    const entries = readModel(target).proto.graph!.initializer.map(({ externalData }) =>
      externalData.map(({ value }) => value).join(" "),
    );
    expect(entries).toEqual(["data/all.bin 0 1024", "data/all.bin 4096 8", "data/all.bin 4096 8", ""]);
    const bytes = readFileSync(join(output, "data/all.bin"));
    expect([bytes.length, bytes.subarray(1024, 4096).some((byte) => byte !== 0)]).toEqual([4104, false]);
    expect([valuesIn(target, "big")[255], valuesIn(target, "tied_2")]).toEqual([3, [1, 2]]);
  });

  it("separates tied tensors of which one was edited", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 0], tied: ["w.bin", 0] }, { "w.bin": floats(1, 2) });
    const target = join(output, "model.onnx");
    writeModel(edited(readModel(path), { a: [0, 2] }), target, { externalData: { location: "all.bin" } });
    expect([valuesIn(target, "a"), valuesIn(target, "tied")]).toEqual([
      [0, 2],
      [1, 2],
    ]);
  });

  it("does not touch tensors of attributes, and changes nothing of a model that has nothing to pack", () => {
    const target = join(output, "model.onnx");
    expect(
      writeModel(decodeModel(richModel()), target, { externalData: { location: "all.bin" } }).externalData,
    ).toEqual([]);
    expect(new Uint8Array(readFileSync(target))).toEqual(richModel());
    expect(readdirSync(output)).toEqual(["model.onnx"]);
  });

  it("can be undone", () => {
    const bytes = buildModel({ nodes: [], initializers: [big("a", 1), big("b", 2)] });
    const [packed, embedded] = [join(output, "packed.onnx"), join(output, "embedded.onnx")];
    writeModel(decodeModel(bytes), packed, { externalData: { location: "all.bin" } });
    writeModel(readModel(packed), embedded, { externalData: "embed" });
    expect(decodeModel(readFileSync(embedded)).proto).toEqual(decodeModel(bytes).proto);
    expect(valuesIn(embedded, "b")).toEqual(new Array(256).fill(2));
  });

  it.each([
    ["../all.bin", "external-escape"],
    ["/all.bin", "external-escape"],
    ["", "malformed"],
    ["model.onnx", "write-failed"],
    ["folder", "write-failed"],
  ])("refuses the location %j", (location, code) => {
    mkdirSync(join(output, "folder"));
    const model = decodeModel(buildModel({ nodes: [], initializers: [big("a", 1)] }));
    expect(() => writeModel(model, join(output, "model.onnx"), { externalData: { location } })).toThrow(failure(code));
    expect(readdirSync(output)).toEqual(["folder"]);
  });

  it("refuses to replace data that the model is read from", () => {
    const path = writeExternalModel(input, { a: ["w.bin", 0] }, { "w.bin": floats(1, 2) });
    const attempt = () => writeModel(readModel(path), join(input, "new.onnx"), { externalData: { location: "w.bin" } });
    expect(attempt).toThrow(failure("write-failed"));
    expect(valuesIn(path, "a")).toEqual([1, 2]);
  });
});
