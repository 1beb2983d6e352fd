import { create } from "@bufbuild/protobuf";
import { decodeModel, prunableWeights, type Weight } from "@espalier/onnx";
import { buildModel, graph, type ModelParts, node, tensor, valueInfo } from "@espalier/testkit";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type NodeProto,
} from "onnx-buf";
import { describe, expect, it } from "vitest";

const floats = (name: string, ...dims: number[]) =>
  tensor(name, dims, new Float32Array(dims.reduce((product, size) => product * size, 1)));
const matMul = (name: string, inputs: string[]) => node("MatMul", inputs, [`${name}/y`], {}, { name });
const call = (name: string, op: string, inputs: string[], attributes: Parameters<typeof node>[3] = {}) =>
  node(op, inputs, [`${name}/y`], attributes, { name, domain: "own" });

function body(
  name: string,
  input: string[],
  output: string[],
  nodes: NodeProto[],
  attributes: AttributeProto[] = [],
): FunctionProto {
  return create(FunctionProtoSchema, {
    name,
    domain: "own",
    input,
    output,
    node: nodes,
    attribute: ["flag", "other"],
    attributeProto: attributes,
    opsetImport: [{ domain: "", version: 17n }],
  });
}

/** Lets an attribute of a node in a function body stand for an attribute of the calling node. */
function referring(target: NodeProto, attribute: string, name: string): NodeProto {
  target.attribute.push(create(AttributeProtoSchema, { name: attribute, refAttrName: name, type: 2 }));
  return target;
}

function weightsOf(parts: ModelParts): Record<string, Weight> {
  const bytes = buildModel({ opsetImports: [{ domain: "own", version: 1 }], ...parts });
  return Object.fromEntries(prunableWeights(decodeModel(bytes)).map((weight) => [weight.name, weight]));
}

const linear = () =>
  body(
    "Linear",
    ["x", "w"],
    ["y"],
    [node("Transpose", ["w"], ["t"]), node("MatMul", ["x", "t"], ["y"], {}, { name: "product" })],
  );
const gemm = (attributes: AttributeProto[] = []) =>
  body(
    "Gemm",
    ["x", "w"],
    ["y"],
    [referring(node("Gemm", ["x", "w"], ["y"], {}, { name: "product" }), "transB", "flag")],
    attributes,
  );

describe("weights and functions", () => {
  it("finds Constant nodes in a function body", () => {
    const own = body(
      "Own",
      ["x"],
      ["y"],
      [node("Constant", [], ["W"], { value: floats("", 2, 3) }), matMul("a", ["x", "W"])],
    );
    expect(weightsOf({ nodes: [call("c", "Own", ["x"])], functions: [own] })).toMatchObject({
      "functions/own:Own/W": { prunable: true, inFeatures: 2, consumers: [{ node: "a", scope: "functions/own:Own" }] },
    });
  });

  it("follows a weight through the input of a call into the body", () => {
    const { W } = weightsOf({
      nodes: [call("c", "Linear", ["x", "W"])],
      initializers: [floats("W", 5, 3)],
      functions: [linear()],
    });
    expect(W).toMatchObject({
      outChannels: 5,
      inFeatures: 3,
      consumers: [{ node: "product", input: 1, scope: "functions/own:Linear" }],
    });
  });

  it("follows it through calls inside calls and out again", () => {
    const turn = body("Turn", ["w"], ["t"], [node("Transpose", ["w"], ["t"])]);
    const outer = body(
      "Outer",
      ["x", "w"],
      ["y"],
      [node("Turn", ["w"], ["t"], {}, { domain: "own" }), matMul("a", ["x", "t"])],
    );
    const nodes = [call("c", "Outer", ["x", "W"])];
    expect(weightsOf({ nodes, initializers: [floats("W", 5, 3)], functions: [turn, outer] }).W).toMatchObject({
      prunable: true,
      inFeatures: 3,
      consumers: [{ scope: "functions/own:Outer" }],
    });
  });

  it("comes back only to the call it went in through", () => {
    const turn = body("Turn", ["w"], ["t"], [node("Transpose", ["w"], ["t"])]);
    const nodes = [
      call("a", "Turn", ["A"]),
      call("b", "Turn", ["B"]),
      matMul("of A", ["x", "a/y"]),
      node("Relu", ["b/y"], ["r"]),
    ];
    const found = weightsOf({ nodes, initializers: [floats("A", 5, 3), floats("B", 5, 3)], functions: [turn] });
    expect(found.A).toMatchObject({ prunable: true, inFeatures: 3 });
    expect(found.B).toMatchObject({ prunable: false, reason: 'read by Relu "r", which is not a linear operator' });
  });

  it("comes back through calls inside calls the way it went in", () => {
    const turn = body("Turn", ["w"], ["t"], [node("Transpose", ["w"], ["t"])]);
    const outer = body("Outer", ["w"], ["t"], [node("Turn", ["w"], ["t"], {}, { domain: "own" })]);
    const nodes = [
      call("a", "Outer", ["A"]),
      call("b", "Outer", ["B"]),
      matMul("of A", ["x", "a/y"]),
      node("Relu", ["b/y"], ["r"]),
    ];
    const initializers = [floats("A", 5, 3), floats("B", 5, 3)];
    const found = weightsOf({ nodes, initializers, functions: [turn, outer] });
    expect(found.A).toMatchObject({ prunable: true, consumers: [{ node: "of A" }] });
    expect(found.B).toMatchObject({ prunable: false, consumers: [{ node: "r" }] });
  });

  it("brings a constant of the body to every place the function is called from", () => {
    const own = body("Own", [], ["W"], [node("Constant", [], ["W"], { value: floats("", 2, 3) })]);
    const nodes = [call("c", "Own", []), call("d", "Own", []), matMul("a", ["x", "c/y"]), matMul("b", ["x", "d/y"])];
    const { consumers } = weightsOf({ nodes, functions: [own] })["functions/own:Own/W"]!;
    expect(consumers.map((consumer) => consumer.node)).toEqual(["a", "b"]);
  });

  it("counts a weight that two inputs or two calls bring to one node", () => {
    const nodes = [call("c", "Linear", ["x", "W"]), call("d", "Linear", ["x", "W"])];
    const { W } = weightsOf({ nodes, initializers: [floats("W", 5, 3)], functions: [linear()] });
    expect(W).toMatchObject({ prunable: true, consumers: [{ node: "product" }, { node: "product" }] });
  });

  it("follows a weight into a subgraph of a body, and shapes through the inputs of a call", () => {
    const branch = graph({
      nodes: [node("Reshape", ["w", "s"], ["v"]), matMul("a", ["x", "v"])],
      outputs: [valueInfo("a/y", "float32", [])],
    });
    const own = body(
      "Own",
      ["x", "w", "s"],
      ["y"],
      [node("If", ["c"], ["y"], { then_branch: branch }, { name: "if" })],
    );
    const initializers = [floats("W", 12), tensor("shape", [2], BigInt64Array.of(3n, 4n))];
    expect(
      weightsOf({ nodes: [call("c", "Own", ["x", "W", "shape"])], initializers, functions: [own] }).W,
    ).toMatchObject({
      inFeatures: 3,
      consumers: [{ scope: "functions/own:Own/if/then_branch" }],
    });
  });

  it("finds a shape that was handed in through two calls", () => {
    const inner = body(
      "Inner",
      ["x", "w", "s"],
      ["y"],
      [node("Reshape", ["w", "s"], ["v"]), node("MatMul", ["x", "v"], ["y"])],
    );
    const outer = body("Outer", ["x", "w", "s"], ["y"], [node("Inner", ["x", "w", "s"], ["y"], {}, { domain: "own" })]);
    const initializers = [floats("W", 12), tensor("shape", [2], BigInt64Array.of(3n, 4n))];
    const nodes = [call("c", "Outer", ["x", "W", "shape"])];
    expect(weightsOf({ nodes, initializers, functions: [inner, outer] }).W).toMatchObject({ inFeatures: 3 });
  });

  it("knows a function by its overload too", () => {
    const other = body("Linear", ["x", "w"], ["y"], [node("Relu", ["w"], ["y"])]);
    other.overload = "float";
    const found = weightsOf({
      nodes: [call("c", "Linear", ["x", "W"])],
      initializers: [floats("W", 5, 3)],
      functions: [other, linear()],
    });
    expect(found.W).toMatchObject({ prunable: true });
  });
});

describe("attributes that a function takes from its call", () => {
  const axes = (parts: ModelParts, name = "W") => {
    const weight = weightsOf(parts)[name];
    return weight?.prunable ? weight.axes.map(({ role }) => role) : weight?.reason;
  };
  const initializers = [floats("W", 5, 3)];

  it("are those of the call, else the function's default, else the operator's", () => {
    const byDefault = create(AttributeProtoSchema, { name: "flag", type: 2, i: 1n });
    const asked = { nodes: [call("c", "Gemm", ["x", "W"], { flag: 1 })], initializers };
    const plain = { nodes: [call("c", "Gemm", ["x", "W"])], initializers };
    expect(axes({ ...asked, functions: [gemm()] })).toEqual(["out", "in"]);
    expect(axes({ ...plain, functions: [gemm([byDefault])] })).toEqual(["out", "in"]);
    expect(axes({ ...plain, functions: [gemm()] })).toEqual(["in", "out"]);
  });

  it("are handed on from call to call", () => {
    const outer = body(
      "Outer",
      ["x", "w"],
      ["y"],
      [referring(node("Gemm", ["x", "w"], ["y"], {}, { domain: "own" }), "flag", "other")],
    );
    const nodes = [call("c", "Outer", ["x", "W"], { other: 1 })];
    expect(axes({ nodes, initializers, functions: [gemm(), outer] })).toEqual(["out", "in"]);
  });

  it("decide about a constant of the body when all calls agree", () => {
    const inside = referring(node("Gemm", ["x", "W"], ["y"], {}, { name: "product" }), "transB", "flag");
    const own = body("Own", ["x"], ["y"], [node("Constant", [], ["W"], { value: floats("", 5, 3) }), inside]);
    const calls = (...flags: number[]) => flags.map((flag, index) => call(`c${index}`, "Own", ["x"], { flag }));
    const name = "functions/own:Own/W";
    expect(axes({ nodes: calls(1, 1), functions: [own] }, name)).toEqual(["out", "in"]);
    expect(axes({ nodes: calls(1, 0), functions: [own] }, name)).toBe(
      'read by Gemm "product", whose transB depends on the function call',
    );
  });
});
