import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, equals, fromBinary } from "@bufbuild/protobuf";
import {
  appendToGraph,
  decodeModel,
  encodeModel,
  externalDataFiles,
  type GraphRewrite,
  isOnnxError,
  type Model,
  makeNode,
  makeTensor,
  makeValueInfo,
  modelSize,
  type NodeProto,
  readModel,
  rewriteGraph,
  type TensorData,
  type TensorProto,
  TensorProto_DataType,
  tensorBytes,
  tensorChunks,
  walkTensors,
  withMetadata,
  withTensorData,
  writeModel,
} from "@espalier/onnx";
import { buildModel, externalTensor, graph, node, tensor, valueInfo } from "@espalier/testkit";
import { ModelProtoSchema } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { richModel } from "../fixtures/rich-model.js";

const folder = mkdtempSync(join(tmpdir(), "espalier-rewrite-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** x → MatMul(W) → Relu → y. */
function smallModel(): Uint8Array {
  return buildModel({
    nodes: [node("MatMul", ["x", "W"], ["h"], {}, { name: "product" }), node("Relu", ["h"], ["y"])],
    initializers: [tensor("W", [2, 2], Float32Array.of(1, 2, 3, 4)), tensor("other", [1], Float32Array.of(9))],
    inputs: [valueInfo("x", "float32", ["batch", 2])],
    outputs: [valueInfo("y", "float32", ["batch", 2])],
    opset: 13,
  });
}

const small = () => decodeModel(smallModel());
const graphOf = (model: Model) => model.proto.graph!;
const initializer = (model: Model, name: string) => graphOf(model).initializer.find((one) => one.name === name)!;
const floats = (model: Model, name: string) => [
  ...new Float32Array(tensorBytes(model, initializer(model, name)).buffer),
];
const readBack = (model: Model) => {
  const externalData = new Map([...externalDataFiles(model)].map(([name, file]) => [name, file()]));
  return decodeModel(encodeModel(model), { externalData });
};
const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** Structure and data of every tensor; what cannot be read (strings) by its error. */
function contents(model: Model): unknown[] {
  return [...walkTensors(model.proto)].map(({ tensor, role, scope }) => {
    const place = [scope.path.join("/"), role, tensor.name, tensor.dataType, tensor.dims];
    try {
      return [...place, [...tensorBytes(model, tensor)]];
    } catch (error) {
      if (!isOnnxError(error)) throw error;
      return [...place, error.code];
    }
  });
}

describe("rewriteGraph", () => {
  it("changes nothing in the file when nothing is asked for", () => {
    const given = richModel();
    expect(encodeModel(rewriteGraph(decodeModel(given), {}))).toEqual(given);
  });

  it("puts nodes in place of others and in front, and leaves all other bytes as they are", () => {
    const given = richModel();
    const model = decodeModel(given);
    const add = graphOf(model).node.at(-1)!;
    const out = encodeModel(
      rewriteGraph(model, {
        prepend: [makeNode("Neg", ["w2"], ["n"])],
        replace: new Map([[add, [makeNode("Sub", ["x", "w"], ["d"]), makeNode("Abs", ["d"], ["y"])]]]),
        initializers: [makeTensor("w2", [1], Float32Array.of(3))],
      }),
    );
    const before = fromBinary(ModelProtoSchema, given);
    const after = fromBinary(ModelProtoSchema, out);
    const ops = after.graph!.node.map(({ opType }) => opType);
    expect(ops).toEqual(["Neg", "Constant", "Constant", "If", "Custom", "Sub", "Abs"]);
    after.graph!.node = [...after.graph!.node.slice(1, 5), before.graph!.node.at(-1)!];
    expect(after.graph!.initializer.pop()!.name).toBe("w2");
    expect(equals(ModelProtoSchema, before, after, { unknown: true, registry: createRegistry() })).toBe(true);
  });

  it("keeps every tensor of a model with all kinds of them, in subgraphs, functions and training graphs too", () => {
    const model = decodeModel(richModel());
    const sparse = graphOf(model).sparseInitializer[0]!.values!;
    const gone = new Set(["typed_f32", "sparse_values", "sparse_indices"]);
    const rewritten = rewriteGraph(model, { remove: new Set([initializer(model, "typed_f32"), sparse]) });
    const expected = contents(model).filter((entry) => !gone.has((entry as string[])[2]!));
    expect(contents(rewritten)).toEqual(expected);
    expect(contents(readBack(rewritten))).toEqual(expected);
    expect(graphOf(rewritten).sparseInitializer).toEqual([]);
  });

  it("encodes changed nodes with the tensors in their attributes and subgraphs", () => {
    const model = decodeModel(richModel());
    const renamed = (one: NodeProto): NodeProto => ({ ...one, name: `${one.name}!` });
    const replace = new Map(graphOf(model).node.map((one) => [one, [renamed(one)]]));
    const rewritten = rewriteGraph(model, { replace });
    const withoutPath = (model: Model) => contents(model).map((entry) => (entry as unknown[]).slice(1));
    expect(withoutPath(rewritten)).toEqual(withoutPath(model));
    expect(withoutPath(readBack(rewritten))).toEqual(withoutPath(model));
    expect(graphOf(rewritten).node[0]!.name).toBe("const!");
  });

  it("carries edits and metadata along, also into changed nodes, and takes new ones", () => {
    const model = withMetadata(decodeModel(richModel()), new Map([["early", "1"]]));
    const constant = graphOf(model).node[0]!;
    const attribute = constant.attribute[0]!;
    const odd = initializer(model, "odd");
    const edited = withTensorData(
      model,
      new Map<TensorProto, TensorData>([
        [odd, () => bytes(7, 8)],
        [attribute.t!, () => [bytes(5, 6), bytes(7, 8)]],
      ]),
    );
    const rewritten = rewriteGraph(edited, { replace: new Map([[constant, [{ ...constant, name: "moved" }]]]) });
    const value = graphOf(rewritten).node[0]!.attribute[0]!.t!;
    expect(floats(rewritten, "odd")).toEqual([7, 8]);
    expect([...new Float32Array(tensorBytes(rewritten, value).buffer)]).toEqual([5, 6, 7, 8]);
    const raw = initializer(rewritten, "raw_f32");
    const late = withTensorData(rewritten, new Map([[raw, () => new Uint8Array(24)]]));
    const after = readBack(withMetadata(late, new Map([["late", "2"]])));
    expect(floats(after, "raw_f32")).toEqual(Array(6).fill(0));
    expect(floats(after, "odd")).toEqual([7, 8]);
    expect(after.proto.metadataProps.map(({ key }) => key)).toEqual(["first", "second", "first", "early", "late"]);
  });

  it("gives copies of the model's own tensors their data", () => {
    const model = small();
    const copy = { ...initializer(model, "W"), name: "copy" };
    const moved = rewriteGraph(model, { remove: new Set([initializer(model, "other")]) });
    expect(() => rewriteGraph(model, { initializers: [copy] })).toThrow('tensor "copy" (float32 [2, 2]) has no data');
    const data = () => tensorChunks(model, initializer(model, "W"));
    const copied = rewriteGraph(moved, { initializers: [{ name: "copy", dataType: 1, dims: [2, 2], data }] });
    expect(floats(readBack(copied), "copy")).toEqual([1, 2, 3, 4]);
  });

  it("computes new tensors when they are written, piece by piece, and not before", () => {
    let running = 0;
    const [pieces, size] = [64, 2 ** 20];
    const data = function* () {
      running++;
      const piece = new Uint8Array(size);
      for (let index = 0; index < pieces; index++) yield piece.fill(index);
    };
    const model = rewriteGraph(small(), {
      initializers: [{ name: "large", dataType: TensorProto_DataType.UINT8, dims: [pieces, size], data }],
    });
    const before = process.memoryUsage().arrayBuffers;
    expect(modelSize(model)).toBeGreaterThan(pieces * size);
    expect(running).toBe(0);
    const path = join(folder, "large.onnx");
    writeModel(model, path);
    // 4 MiB of the writer, 1 MiB of the generator and the 64 MiB that a writer which collects them would need.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
    expect(running).toBe(1);
    const stored = readModel(path);
    expect(tensorBytes(stored, initializer(stored, "large")).at(-1)).toBe(63);
  });

  it("adds sparse tensors and removes them again", () => {
    const values = () => bytes(1.5, 2.5);
    const indices = () => new Uint8Array(BigInt64Array.of(1n, 5n).buffer);
    const sparse = rewriteGraph(small(), {
      initializers: [{ name: "S", dataType: 1, dims: [2, 3], data: values, sparse: { count: 2, indices } }],
    });
    const after = readBack(sparse);
    const made = graphOf(after).sparseInitializer[0]!;
    expect([made.dims, made.values!.name, made.values!.dims, made.indices!.dataType]).toEqual([[2n, 3n], "S", [2n], 7]);
    expect([...new BigInt64Array(tensorBytes(after, made.indices!).buffer)]).toEqual([1n, 5n]);
    expect([...tensorBytes(after, made.values!)]).toEqual([...values()]);
    const gone = rewriteGraph(after, { remove: new Set([made.values!]) });
    expect(encodeModel(gone)).toEqual(smallModel());
  });

  it("declares values, behind those that are declared, in subgraphs too, but not in functions", () => {
    const body = (name: string) =>
      graph({
        nodes: [node("Identity", ["x"], [name])],
        outputs: [valueInfo(name, "float32", [])],
        valueInfos: [valueInfo(`of-${name}`, "float32", [])],
      });
    const model = decodeModel(
      buildModel({
        nodes: [node("If", ["c"], ["y"], { then_branch: body("a"), else_branch: body("b") })],
        inputs: [valueInfo("x", "float32", []), valueInfo("c", "bool", [])],
        outputs: [valueInfo("y", "float32", [])],
      }),
    );
    const [branch] = graphOf(model).node[0]!.attribute;
    const [h, i] = [makeValueInfo("h", TensorProto_DataType.INT64, [1, 5]), makeValueInfo("i", 1, ["n"])];
    const after = rewriteGraph(model, { valueInfos: [h], inside: new Map([[branch!.g!, { valueInfos: [i] }]]) });
    for (const one of [after, readBack(after)]) {
      expect(graphOf(one).valueInfo).toEqual([h]);
      const [then, otherwise] = graphOf(one).node[0]!.attribute.map(({ g }) => g!.valueInfo);
      expect(then).toEqual([...branch!.g!.valueInfo, i]);
      expect(otherwise!.map(({ name }) => name)).toEqual(["of-b"]);
    }
    const rich = decodeModel(richModel());
    const [first] = rich.proto.functions;
    expect(() => rewriteGraph(rich, { inside: new Map([[first!, { valueInfos: [h] }]]) })).toThrow(
      /function .* declares no values: "h" cannot be added/,
    );
  });

  it("raises the opset of ONNX's own domain and no other, and the IR version", () => {
    const rewritten = readBack(rewriteGraph(decodeModel(richModel()), { opset: 19, irVersion: 10 })).proto;
    expect(rewritten.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
      ["", 19n],
      ["com.example", 3n],
      ["ai.onnx.ml", 4n],
    ]);
    expect(rewritten.irVersion).toBe(10n);
    expect(rewritten.functions[0]!.opsetImport[0]!.version).toBe(17n);
  });

  it("removes inputs that only declare an initializer", () => {
    const bytes = buildModel({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [tensor("W", [1, 1], Float32Array.of(1))],
      inputs: [valueInfo("x", "float32", [1, 1]), valueInfo("W", "float32", [1, 1])],
      outputs: [valueInfo("y", "float32", [1, 1])],
    });
    const model = decodeModel(bytes);
    const rewritten = rewriteGraph(model, {
      remove: new Set([initializer(model, "W")]),
      removeInputs: new Set([graphOf(model).input[1]!]),
      initializers: [makeTensor("v", [1, 1], Float32Array.of(2))],
      prepend: [makeNode("Identity", ["v"], ["W"])],
    });
    expect(graphOf(readBack(rewritten)).input.map(({ name }) => name)).toEqual(["x"]);
  });

  it("works on a model that was appended to, and the other way round", () => {
    const nodes = [makeNode("Neg", ["y"], ["z"])];
    const appended = appendToGraph(small(), { nodes, initializers: [makeTensor("late", [1], Float32Array.of(1))] });
    const relu = graphOf(appended).node[1]!;
    const rewritten = rewriteGraph(appended, {
      prepend: [makeNode("Identity", ["W"], ["V"])],
      replace: new Map([
        [relu, [makeNode("Abs", ["h"], ["y"])]],
        [graphOf(appended).node[2]!, []],
      ]),
      remove: new Set([initializer(appended, "late")]),
    });
    const twice = appendToGraph(rewritten, { nodes });
    const after = readBack(twice);
    expect(graphOf(after).node.map(({ opType }) => opType)).toEqual(["Identity", "MatMul", "Abs", "Neg"]);
    expect(graphOf(after).initializer.map(({ name }) => name)).toEqual(["W", "other"]);
  });

  it("leaves external data in their files, edited or not, and drops the files of removed tensors", () => {
    const external = (name: string, location: string) =>
      externalTensor(name, [2], "float32", { location, offset: 0, length: 8 });
    const given = buildModel({ nodes: [], initializers: [external("a", "a.data"), external("b", "b.data")] });
    const files = new Map([
      ["a.data", bytes(1, 2)],
      ["b.data", bytes(3, 4)],
    ]);
    const model = decodeModel(given, { externalData: files });
    const edited = withTensorData(model, new Map([[initializer(model, "a"), () => bytes(5, 6)]]));
    const rewritten = rewriteGraph(edited, { remove: new Set([initializer(model, "b")]) });
    expect([...externalDataFiles(rewritten)].map(([name, file]) => [name, file()])).toEqual([["a.data", bytes(5, 6)]]);
    expect(floats(readBack(rewritten), "a")).toEqual([5, 6]);
  });

  it("is written from disk to disk, data file packed anew without what was removed", () => {
    const path = join(folder, "packed-in.onnx");
    const weights = ["a", "b"].map((name, index) => tensor(name, [512], new Float32Array(512).fill(index + 1)));
    writeModel(decodeModel(buildModel({ nodes: [], initializers: weights })), path, {
      externalData: { location: "packed-in.data" },
    });
    const model = readModel(path);
    const data = () => bytes(...new Float32Array(512).fill(3));
    const rewritten = rewriteGraph(model, {
      remove: new Set([initializer(model, "a")]),
      initializers: [{ name: "c", dataType: 1, dims: [512], data }],
    });
    const out = join(folder, "packed-out.onnx");
    writeModel(rewritten, out, { externalData: { location: "packed-out.data" } });
    const after = readModel(out);
    expect([floats(after, "b")[0], floats(after, "c")[511]]).toEqual([2, 3]);
    expect(modelSize(after)).toBeLessThan(4096 + 2048 + 1024);
  });

  it.each<[string, (model: Model) => GraphRewrite]>([
    ["a value that is there", () => ({ prepend: [makeNode("Neg", ["x"], ["h"])] })],
    ["an initializer that is there", () => ({ initializers: [makeTensor("W", [0], new Float32Array())] })],
    ["an input", () => ({ initializers: [{ name: "x", dataType: 1, dims: [0], data: () => new Uint8Array(0) }] })],
    ["itself twice", () => ({ prepend: [makeNode("Neg", ["x"], ["a"]), makeNode("Neg", ["x"], ["a"])] })],
    ["a value that is read and gone", (model) => ({ remove: new Set([initializer(model, "W")]) })],
    ["an output that is gone", (model) => ({ replace: new Map([[graphOf(model).node[1]!, []]]) })],
    ["a node of another model", () => ({ replace: new Map([[graphOf(small()).node[1]!, []]]) })],
    ["a lower opset", () => ({ opset: 12 })],
  ])("refuses %s", (_, rewrite) => {
    const model = small();
    expect(() => rewriteGraph(model, rewrite(model))).toThrow(
      expect.objectContaining({ name: "OnnxError", code: "malformed" }),
    );
  });

  it("lets a new value have the name of a removed one, but not one of a subgraph", () => {
    const model = small();
    const remove = new Set([initializer(model, "W")]);
    const initializers = [makeTensor("W", [2, 2], Float32Array.of(4, 3, 2, 1))];
    expect(floats(readBack(rewriteGraph(model, { remove, initializers })), "W")).toEqual([4, 3, 2, 1]);
    const branch = (name: string) =>
      graph({ nodes: [node("Identity", ["x"], [name])], outputs: [valueInfo(name, "float32", [])] });
    const inBranch = buildModel({
      nodes: [node("If", ["c"], ["y"], { then_branch: branch("t"), else_branch: branch("e") })],
      inputs: [valueInfo("x", "float32", []), valueInfo("c", "bool", [])],
      outputs: [valueInfo("y", "float32", [])],
    });
    expect(() => rewriteGraph(decodeModel(inBranch), { prepend: [makeNode("Neg", ["x"], ["t"])] })).toThrow('"t"');
  });
});
