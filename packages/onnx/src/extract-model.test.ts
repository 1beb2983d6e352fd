import { create, toBinary } from "@bufbuild/protobuf";
import {
  type ExtractedModel,
  decodeModel,
  makeValueInfo,
  modelExtractor,
  TensorProto_DataType,
  tensorBytes,
  walkGraphs,
} from "@espalier/onnx";
import { buildModel, functionBody, graph, node, tensor, valueInfo } from "@espalier/testkit";
import { GraphProtoSchema, ModelProtoSchema, SparseTensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";

const inner = graph({
  nodes: [node("Mul", ["doubled", "scale"], ["inner"])],
  outputs: [valueInfo("inner", "float32", [2])],
});

/** z = (x + w) · doubled, where w = scale · doubled in an If and doubled = stored + stored. */
const model = decodeModel(
  buildModel({
    nodes: [
      node("Add", ["stored", "stored"], ["doubled"]),
      node("If", ["yes"], ["tripled"], { then_branch: inner, else_branch: inner }),
      node("Add", ["x", "tripled"], ["y"]),
      node("Mul", ["y", "doubled"], ["z"]),
    ],
    initializers: [
      tensor("stored", [2], Float32Array.of(1, -2)),
      tensor("scale", [], Float32Array.of(3)),
      tensor("yes", [], { dtype: "bool", bits: Uint8Array.of(1) }),
    ],
    inputs: [valueInfo("x", "float32", [2])],
    outputs: [valueInfo("z", "float32", [2])],
    opset: 13,
  }),
);

const { FLOAT } = TensorProto_DataType;
const out = (value: string) => new Map([[value, makeValueInfo("out", FLOAT)]]);
const outputsOf = ({ model: { proto } }: ExtractedModel) => proto.graph!.node.map(({ output }) => output[0]);

/** w = own · (table + table) in a branch, w = −c in a function that imports another version. */
const nested = decodeModel(
  buildModel({
    nodes: [
      node("Add", ["table", "table"], ["twice"]),
      node("If", ["x"], ["y"], {
        then_branch: graph({
          nodes: [node("Mul", ["own", "twice"], ["w"]), node("Add", ["x", "w"], ["r"])],
          initializers: [tensor("own", [1], Float32Array.of(3))],
        }),
      }),
    ],
    initializers: [tensor("table", [1], Float32Array.of(2))],
    inputs: [valueInfo("x", "float32", [1])],
    functions: [
      functionBody({
        name: "F",
        domain: "own",
        inputs: [],
        outputs: ["w"],
        opset: 11,
        nodes: [node("Constant", [], ["c"], { value: tensor("", [1], Float32Array.of(1)) }), node("Neg", ["c"], ["w"])],
      }),
    ],
    opset: 13,
  }),
);

describe("modelExtractor", () => {
  const extract = modelExtractor(model);

  it("cuts out what computes a value from constants, and what subgraphs read of them", () => {
    const part = extract({ outputs: out("tripled") })!;
    expect(outputsOf(part)).toEqual(["doubled", "tripled", "out"]);
    expect(part.nodes).toEqual(model.proto.graph!.node.slice(0, 2));
    expect(part.tensors.map(({ name }) => name).sort()).toEqual(["scale", "stored", "yes"]);
    const stored = part.model.proto.graph!.initializer.find(({ name }) => name === "stored")!;
    expect([...new Float32Array(tensorBytes(part.model, stored).buffer)]).toEqual([1, -2]);
    expect(part.model.proto.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([["", 13n]]);
    expect(part.model.proto.graph!.input).toEqual([]);
  });

  it("hands out a stored tensor as it is", () => {
    const part = extract({ outputs: out("stored") })!;
    expect(part.nodes).toEqual([]);
    expect(part.model.proto.graph!.node).toMatchObject([{ opType: "Identity", input: ["stored"], output: ["out"] }]);
  });

  it("stops at values that are fed", () => {
    const part = extract({ outputs: out("z"), inputs: [makeValueInfo("y", FLOAT, [2])] })!;
    expect(outputsOf(part)).toEqual(["doubled", "z", "out"]);
    expect(part.model.proto.graph!.input.map(({ name }) => name)).toEqual(["y"]);
  });

  it("finds nothing where an input of the model, or a value that is not there, is needed", () => {
    expect(extract({ outputs: out("y") })).toBeUndefined();
    expect(extract({ outputs: out("nowhere") })).toBeUndefined();
  });

  it.each([
    ["row-major", tensor("i", [2], BigInt64Array.of(1n, 5n))],
    ["one for each axis", tensor("i", [2, 2], BigInt64Array.of(0n, 1n, 1n, 2n))],
  ])("takes sparse initializers along, whose indices are %s", (_, indices) => {
    const values = tensor("w", [2], Float32Array.of(5, 6));
    const main = create(GraphProtoSchema, {
      sparseInitializer: [create(SparseTensorProtoSchema, { values, indices, dims: [2n, 3n] })],
    });
    const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph: main }));
    const { model: part } = modelExtractor(decodeModel(bytes))({ outputs: out("w") })!;
    const [sparse] = part.proto.graph!.sparseInitializer;
    expect(sparse!.dims).toEqual([2n, 3n]);
    expect([...new Float32Array(tensorBytes(part, sparse!.values!).buffer)]).toEqual([5, 6]);
    expect([...new BigInt64Array(tensorBytes(part, sparse!.indices!).buffer)]).toEqual([1n, 5n]);
  });

  it("cuts out of a graph inside, with what it reads of those around it, and out of a function", () => {
    const scopes = [...walkGraphs(nested.proto)];
    const at = (path: string) => scopes.find((scope) => scope.path.join("/") === path)!;
    const part = modelExtractor(nested, at("main/If/then_branch"))({ outputs: out("w") })!;
    expect(part.nodes.map(({ opType }) => opType)).toEqual(["Add", "Mul"]);
    expect(part.tensors.map(({ name }) => name).sort()).toEqual(["own", "table"]);
    expect(part.model.proto.opsetImport.map(({ version }) => version)).toEqual([13n]);
    expect(modelExtractor(nested, at("main/If/then_branch"))({ outputs: out("r") })).toBeUndefined();
    expect(modelExtractor(nested)({ outputs: out("w") })).toBeUndefined();
    const body = modelExtractor(nested, at("functions/own:F"))({ outputs: out("w") })!;
    expect(body.nodes.map(({ opType }) => opType)).toEqual(["Constant", "Neg"]);
    expect(body.model.proto.opsetImport.map(({ version }) => version)).toEqual([11n]);
  });
});
