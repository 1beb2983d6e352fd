import { create } from "@bufbuild/protobuf";
import { decodeModel, prunableWeights, type Weight } from "@espalier/onnx";
import { buildModel, graph, node, tensor, valueInfo } from "@espalier/testkit";
import { FunctionProtoSchema, type NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";

const floats = (name: string, ...dims: number[]) =>
  tensor(name, dims, new Float32Array(dims.reduce((product, size) => product * size, 1)));
const call = (op: string, inputs: string[], outputs: string[]) => node(op, inputs, outputs, {}, { domain: "own" });
const body = (name: string, input: string[], output: string[], nodes: NodeProto[]) =>
  create(FunctionProtoSchema, { name, domain: "own", input, output, node: nodes });

function weightsOf(parts: Parameters<typeof buildModel>[0]): readonly Weight[] {
  return prunableWeights(decodeModel(buildModel(parts)));
}

describe("a hostile graph", () => {
  it("may feed a node with its own result", () => {
    const nodes = [node("Identity", ["W"], ["a"]), node("Identity", ["a"], ["a"]), node("MatMul", ["x", "a"], ["y"])];
    expect(weightsOf({ nodes, initializers: [floats("W", 2, 3)] })).toMatchObject([{ prunable: true }]);
  });

  it("may turn a weight on every round of a cycle", () => {
    const nodes = [
      node("Identity", ["W"], ["a"]),
      node("Transpose", ["a"], ["b"]),
      node("Transpose", ["b"], ["c"], { perm: [0, 1] }),
      node("Identity", ["c"], ["a"]),
    ];
    expect(weightsOf({ nodes, initializers: [floats("W", 2, 3)] })).toMatchObject([
      { reason: 'brought to the value "a" in two forms' },
    ]);
  });

  it("may have shapes that come round to themselves", () => {
    const nodes = [
      node("Identity", ["s"], ["s"]),
      node("Reshape", ["W", "s"], ["v"]),
      node("MatMul", ["x", "v"], ["y"]),
    ];
    expect(weightsOf({ nodes, initializers: [floats("W", 2, 3)] })).toMatchObject([
      { reason: 'Reshape "v" gives it a shape that is computed or no list of integers' },
    ]);
  });

  it("may be 100,000 nodes long", () => {
    const steps = Array.from({ length: 100_000 }, (_, index) =>
      node(index % 2 === 0 ? "Transpose" : "Identity", [`v${index}`], [`v${index + 1}`]),
    );
    const nodes = [...steps, node("MatMul", ["x", "v100000"], ["y"])];
    expect(weightsOf({ nodes, initializers: [floats("v0", 2, 3)] })).toMatchObject([{ prunable: true, inFeatures: 2 }]);
  });

  it("may read one constant 100,000 times, or hold 20,000 constants", () => {
    const readers = Array.from({ length: 100_000 }, (_, index) => node("MatMul", ["x", "W"], [`y${index}`]));
    expect(weightsOf({ nodes: readers, initializers: [floats("W", 2, 3)] })[0]!.consumers.length).toBe(100_000);
    const constants = Array.from({ length: 20_000 }, (_, index) => [
      node("Constant", [], [`W${index}`], { value: floats("", 1, 2) }),
      node("MatMul", ["x", `W${index}`], [`y${index}`]),
    ]);
    expect(weightsOf({ nodes: constants.flat() }).every(({ prunable }) => prunable)).toBe(true);
  });

  it("may call functions that call functions twice, over and over", () => {
    // 40 levels with two calls each: 2⁴⁰ ways to the Relu.
    const levels = Array.from({ length: 40 }, (_, level) =>
      body(`F${level}`, ["w"], ["y"], [call(`F${level + 1}`, ["w"], ["a"]), call(`F${level + 1}`, ["w"], ["b"])]),
    );
    const functions = [...levels, body("F40", ["w"], ["y"], [node("Relu", ["w"], ["y"])])];
    const found = weightsOf({
      nodes: [call("F0", ["W"], ["y"])],
      initializers: [floats("W", 2, 3), floats("V", 2, 3)],
      functions,
    });
    expect(found).toMatchObject([
      { reason: "handed on in more subgraphs and calls than are followed" },
      { reason: "read by no node" },
    ]);
  });

  it("may call a function from itself", () => {
    const functions = [body("F", ["w"], ["y"], [call("F", ["w"], ["y"])])];
    expect(weightsOf({ nodes: [call("F", ["W"], ["y"])], initializers: [floats("W", 2, 3)], functions })).toMatchObject(
      [{ reason: "handed on through more than 64 nested function calls" }],
    );
  });

  it("may bring thousands of constants to thousands of readers", () => {
    const branch = (index: number) =>
      graph({
        nodes: [node("Constant", [], [`c${index}`], { value: floats("", 1, 1) })],
        outputs: [valueInfo(`c${index}`, "float32", [])],
      });
    // 1,000 branches end in one value with 1,000 readers: a million ways in a file of 100 kB.
    const choice = node(
      "If",
      ["c"],
      ["v"],
      Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`b${index}`, branch(index)])),
    );
    const readers = Array.from({ length: 1000 }, (_, index) => node("MatMul", ["x", "v"], [`y${index}`]));
    const reasons = new Set(
      weightsOf({ nodes: [choice, ...readers] }).map((weight) => (weight.prunable ? "prunable" : weight.reason)),
    );
    expect(reasons).toEqual(new Set(["prunable", "handed on in more subgraphs and calls than are followed"]));
  });

  it("may have tensors of absurd shapes", () => {
    const huge = floats("W", 1);
    huge.dims = Array.from({ length: 8 }, () => 2n ** 62n);
    const deep = floats("V", 1);
    deep.dims = Array.from({ length: 5000 }, () => 1n);
    const nodes = [node("MatMul", ["x", "W"], ["y"]), node("MatMul", ["x", "V"], ["z"])];
    const [W, V] = weightsOf({ nodes, initializers: [huge, deep] });
    expect(W).toMatchObject({
      prunable: false,
      reason: expect.stringMatching(/^its shape is \[4611686018427388000, .*, which no tensor can have$/),
    });
    expect(V).toMatchObject({ prunable: false, reason: "it has 5000 dimensions, more than 64" });
  });

  it("may have names of any length and with any characters, which messages cut and escape", () => {
    const name = `\u001b[2J${"n".repeat(100_000)}`;
    const nodes = [node("Relu", ["W"], ["y"], {}, { name })];
    const [W] = weightsOf({ nodes, initializers: [floats("W", 2, 3)] });
    expect(W).toMatchObject({ reason: `read by Relu "\\u001b[2J${"n".repeat(196)}…", which is not a linear operator` });
  });
});
