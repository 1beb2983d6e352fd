import { decodeModel, prunableWeights, type Weight } from "@espalier/onnx";
import { buildModel, graph, type ModelParts, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

const floats = (name: string, ...dims: number[]) =>
  tensor(name, dims, new Float32Array(dims.reduce((product, size) => product * size, 1)));
const value = (name: string) => valueInfo(name, "float32", []);
const matMul = (name: string, inputs: string[]) => node("MatMul", inputs, [`${name}/y`], {}, { name });

function weightsOf(parts: ModelParts): Record<string, Weight> {
  return Object.fromEntries(prunableWeights(decodeModel(buildModel(parts))).map((weight) => [weight.name, weight]));
}

describe("weights in subgraphs", () => {
  it("are found in both branches of If, in initializers and Constant nodes, under names of their own", () => {
    const thenBranch = graph({
      nodes: [matMul("a", ["x", "W"])],
      initializers: [floats("W", 2, 3)],
      outputs: [value("a/y")],
    });
    const elseBranch = graph({
      nodes: [node("Constant", [], ["W"], { value: floats("", 4, 3) }), matMul("a", ["x", "W"])],
      outputs: [value("a/y")],
    });
    const nodes = [node("If", ["c"], ["y"], { then_branch: thenBranch, else_branch: elseBranch }, { name: "choose" })];
    expect(weightsOf({ nodes })).toMatchObject({
      "main/choose/then_branch/W": {
        prunable: true,
        inFeatures: 2,
        consumers: [{ node: "a", scope: "main/choose/then_branch" }],
      },
      "main/choose/else_branch/W": {
        prunable: true,
        inFeatures: 4,
        consumers: [{ node: "a", scope: "main/choose/else_branch" }],
      },
    });
  });

  it("are read from the graph around them, also two levels up", () => {
    const inner = graph({ nodes: [node("Transpose", ["t"], ["u"]), matMul("a", ["x", "u"])], outputs: [value("a/y")] });
    const middle = graph({
      nodes: [node("If", ["c"], ["z"], { then_branch: inner }, { name: "if" })],
      outputs: [value("z")],
    });
    const nodes = [node("Identity", ["W"], ["t"]), node("Loop", ["n", "c"], [], { body: middle }, { name: "loop" })];
    const { W } = weightsOf({ nodes, initializers: [floats("W", 2, 3)] });
    expect(W).toMatchObject({ prunable: true, inFeatures: 3, consumers: [{ scope: "main/loop/body/if/then_branch" }] });
  });

  it("hide a weight of the same name outside", () => {
    const body = graph({
      nodes: [matMul("inside", ["x", "W"])],
      initializers: [floats("W", 4, 5)],
      outputs: [value("inside/y")],
    });
    const nodes = [matMul("outside", ["x", "W"]), node("If", ["c"], ["z"], { then_branch: body }, { name: "if" })];
    const found = weightsOf({ nodes, initializers: [floats("W", 2, 3)] });
    expect(found.W!.consumers.map((consumer) => consumer.node)).toEqual(["outside"]);
    expect(found["main/if/then_branch/W"]!.consumers.map((consumer) => consumer.node)).toEqual(["inside"]);
  });

  it("are hidden by an input or a result of the same name inside", () => {
    const body = graph({
      nodes: [matMul("a", ["x", "W"])],
      inputs: [value("i"), value("c"), value("W")],
      outputs: [value("c"), value("a/y")],
    });
    const other = graph({ nodes: [node("Relu", ["x"], ["W"]), matMul("b", ["x", "W"])], outputs: [value("b/y")] });
    const nodes = [
      node("Loop", ["n", "c", "start"], ["z"], { body }),
      node("If", ["c"], ["u"], { then_branch: other }),
      matMul("outside", ["x", "W"]),
    ];
    expect(weightsOf({ nodes, initializers: [floats("W", 2, 3)] }).W!.consumers).toMatchObject([{ node: "outside" }]);
  });

  it("are not prunable where an input of the subgraph overwrites them", () => {
    const body = graph({
      nodes: [matMul("a", ["x", "W"])],
      initializers: [floats("W", 2, 3)],
      inputs: [value("i"), value("c"), value("W")],
    });
    const nodes = [node("Loop", ["n", "c", "start"], ["z"], { body }, { name: "loop" })];
    expect(weightsOf({ nodes })["main/loop/body/W"]).toMatchObject({
      reason: "named like another value of its graph, so that its consumers are unknown",
    });
  });

  it("come out of the branches of If to a consumer behind it", () => {
    const branch = (name: string) => graph({ nodes: [node("Identity", [name], ["out"])], outputs: [value("out")] });
    const nodes = [
      node("If", ["c"], ["chosen"], { then_branch: branch("A"), else_branch: branch("B") }),
      matMul("a", ["x", "chosen"]),
    ];
    expect(weightsOf({ nodes, initializers: [floats("A", 2, 3), floats("B", 2, 3)] })).toMatchObject({
      A: { prunable: true, inFeatures: 2, consumers: [{ node: "a" }] },
      B: { prunable: true, inFeatures: 2, consumers: [{ node: "a" }] },
    });
  });

  it("are refused when two branches bring one weight to one place in two layouts", () => {
    const nodes = [
      node("If", ["c"], ["chosen"], {
        then_branch: graph({ nodes: [node("Identity", ["W"], ["out"])], outputs: [value("out")] }),
        else_branch: graph({ nodes: [node("Transpose", ["W"], ["out"])], outputs: [value("out")] }),
      }),
      matMul("a", ["x", "chosen"]),
    ];
    expect(weightsOf({ nodes, initializers: [floats("W", 2, 2)] }).W).toMatchObject({
      reason: 'brought to the value "chosen" in two forms',
    });
  });

  const body = graph({ nodes: [node("Identity", ["W"], ["out"])], inputs: [value("s")], outputs: [value("out")] });
  const handedOn: [string, ReturnType<typeof node>, string][] = [
    [
      "a state of Loop",
      node("Loop", ["n", "c", "W"], ["y"], { body: graph({ nodes: [] }) }),
      'carried by Loop "y", which may change it from step to step',
    ],
    [
      "sliced by Scan",
      node("Scan", ["s", "W"], ["y"], { body: graph({ nodes: [] }) }),
      'carried by Scan "y", which may change it from step to step',
    ],
    [
      "an output of the body of Loop",
      node("Loop", ["n", "c"], ["y"], { body }),
      'handed out by the body of Loop "y", which is not a linear operator',
    ],
    [
      "an output of the body of Scan",
      node("Scan", ["s"], ["y"], { body }),
      'handed out by the body of Scan "y", which is not a linear operator',
    ],
    [
      "the condition of If",
      node("If", ["W"], ["y"], { then_branch: graph({ nodes: [] }) }),
      'read by If "y", which is not a linear operator',
    ],
  ];
  it.each(handedOn)("are refused as %s", (_, reader, reason) => {
    expect(weightsOf({ nodes: [reader], initializers: [floats("W", 2, 3)] }).W).toMatchObject({
      prunable: false,
      reason,
    });
  });

  it("take shapes and scales from the graph around them", () => {
    const inner = graph({
      nodes: [node("Reshape", ["W", "s"], ["v"]), matMul("a", ["x", "v"])],
      outputs: [value("a/y")],
    });
    const nodes = [node("If", ["c"], ["z"], { then_branch: inner })];
    const initializers = [floats("W", 12), tensor("s", [2], BigInt64Array.of(3n, 4n))];
    expect(weightsOf({ nodes, initializers }).W).toMatchObject({ prunable: true, inFeatures: 3, outChannels: 4 });
  });
});
