import { readFileSync } from "node:fs";
import { isStatisticsError, layOutInputs } from "@espalier/calibrate";
import {
  appendToGraph,
  TensorProto_DataType as DataType,
  decodeModel,
  encodeModel,
  type Model,
  makeNode,
  makeValueInfo,
  prunableWeights,
} from "@espalier/onnx";
import { openRunner, type Tensor } from "@espalier/runtime";
import {
  buildModel,
  graph,
  type ModelParts,
  node,
  random,
  tensor,
  tokenBatch,
  useLitePath,
  valueInfo,
} from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectLaidOut, laidOutRun } from "../../test-support/laid-out-run.js";
import { expectClose, float32, measuredRun } from "../../test-support/measured-run.js";

const f32 = (name: string, dims: readonly number[], seed = 1) =>
  tensor(name, dims, random(seed).float32(dims.reduce((all, size) => all * size, 1)));
const x23 = () => float32([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
const ROWS = [
  [1, 2, 3],
  [4, 5, 6],
];

function parts(
  nodes: ModelParts["nodes"],
  initializers: ModelParts["initializers"],
  outputs: readonly string[],
  more: Partial<ModelParts> = {},
): ModelParts {
  return {
    nodes,
    initializers: initializers ?? [],
    inputs: [valueInfo("x", "float32", ["batch", 3])],
    outputs: outputs.map((name) => makeValueInfo(name, DataType.FLOAT)),
    ...more,
  };
}

function laidOut(given: ModelParts | Model, mask?: string) {
  const model = "proto" in given ? given : decodeModel(buildModel(given));
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  return { given: model, ...layOutInputs(model, weights, mask === undefined ? {} : { mask }) };
}

const mask = (rows: readonly (readonly number[])[]): Tensor => ({
  dtype: "int64",
  dims: [rows.length, rows[0]!.length],
  data: BigInt64Array.from(rows.flat(), BigInt),
});

/** One product of `[batch, seq, 3]`, with a mask. */
const masked: ModelParts = parts([node("MatMul", ["x", "W"], ["y"])], [f32("W", [3, 2])], ["y", "m"], {
  nodes: [node("MatMul", ["x", "W"], ["y"]), node("Identity", ["mask"], ["m"])],
  inputs: [valueInfo("x", "float32", ["batch", "seq", 3]), valueInfo("mask", "int64", ["batch", "seq"])],
  outputs: [makeValueInfo("y", DataType.FLOAT), makeValueInfo("m", DataType.INT64)],
});

describe("layOutInputs", () => {
  it("lays an input out once for all weights that read it, and adds no outputs", () => {
    const names = ["q", "k", "v"];
    const nodes = [
      ...names.map((name) => node("MatMul", ["x", name], [`y_${name}`])),
      node("MatMul", ["y_q", "o"], ["y"]),
    ];
    const { given, model, inputs, unsupported } = laidOut(
      parts(nodes, [...names.map((name) => f32(name, [3, 2])), f32("o", [2, 2])], ["y"]),
    );
    expect(inputs.map(({ weights, groups, inFeatures }) => [weights, groups, inFeatures])).toEqual([
      [names, 1, 3],
      [["o"], 1, 2],
    ]);
    expect(unsupported).toEqual([]);
    expect(model.proto.graph!.output).toEqual(given.proto.graph!.output);
    expect(model.proto.graph!.node.slice(0, 4)).toEqual(given.proto.graph!.node);
    const bytes = encodeModel(given);
    expect(encodeModel(model).subarray(0, bytes.length)).toEqual(bytes);
  });

  it("puts the positions of several places one behind the other", async () => {
    const given = parts(
      [node("MatMul", ["x", "W"], ["a"]), node("MatMul", ["other", "W"], ["b"])],
      [f32("W", [3, 2])],
      ["a", "b"],
      { inputs: [valueInfo("x", "float32", ["batch", 3]), valueInfo("other", "float32", ["n", "rows", 3])] },
    );
    const other = float32([1, 1, 3], Float32Array.of(7, 8, 9));
    expectLaidOut((await laidOutRun(given, { x: x23(), other })).get("W"), [[...ROWS, [7, 8, 9]]]);
  });

  it("leaves out positions that do not count, whatever stands there", async () => {
    const data = Float32Array.of(1, 2, 3, Number.NaN, 0, Number.POSITIVE_INFINITY, 0, 0, 0, 4, 5, 6);
    const feeds = { x: float32([2, 2, 3], data), mask: mask([[1, 0], [0, 1]]) }; // biome-ignore format: a table
    expectLaidOut((await laidOutRun(masked, feeds, { mask: "mask" })).get("W"), [ROWS]);
  });

  it("has no positions where none counts", async () => {
    const feeds = { x: float32([1, 2, 3], new Float32Array(6)), mask: mask([[0, 0]]) };
    expect((await laidOutRun(masked, feeds, { mask: "mask" })).get("W")!.dims).toEqual([1, 0, 3]);
  });

  it("stops the run where a mask has another size than the tokens", async () => {
    const feeds = { x: float32([1, 2, 3], new Float32Array(6)), mask: mask([[1, 1, 0]]) };
    await expect(laidOutRun(masked, feeds, { mask: "mask" })).rejects.toThrow(/Reshape/);
  });

  it("is float32, whatever the model computes with", async () => {
    const given = parts(
      [
        node("Cast", ["x"], ["h"], { to: 10 }),
        node("MatMul", ["h", "H"], ["y"]),
        node("Cast", ["y"], ["z"], { to: 1 }),
      ],
      [tensor("H", [3, 2], { dtype: "float16", bits: new Uint16Array(6) })],
      ["z"],
    );
    expectLaidOut((await laidOutRun(given, { x: x23() })).get("H"), [ROWS]);
  });

  it("gives reasons for what it cannot lay out", () => {
    const branch = (name: string) =>
      graph({ nodes: [node("MatMul", ["x", "I"], [name])], outputs: [makeValueInfo(name, DataType.FLOAT)] });
    const given = parts(
      [
        node("MatMul", ["x3", "B"], ["b"]),
        node("ConvTranspose", ["image", "T"], ["t"]),
        node("LSTM", ["x3", "W", "R"], ["l"], { hidden_size: 1 }),
        node("If", ["c"], ["i"], { then_branch: branch("then"), else_branch: branch("else") }, { name: "choice" }),
      ],
      [f32("B", [2, 3, 2]), f32("T", [2, 1, 2, 2]), f32("W", [1, 4, 3]), f32("R", [1, 4, 1]), f32("I", [3, 2])],
      ["b", "t", "l", "i"],
      {
        inputs: [
          valueInfo("x", "float32", ["batch", 3]),
          valueInfo("x3", "float32", [2, "seq", 3]),
          valueInfo("image", "float32", [1, 2, 3, 3]),
          valueInfo("c", "bool", []),
        ],
      },
    );
    const { inputs, unsupported } = laidOut(given);
    expect(inputs.map(({ weights }) => weights)).toEqual([["W"]]);
    expect(unsupported.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      "B: it is a batch of matrices, for which there are no Gram matrices",
      "T: there are no Gram matrices for ConvTranspose",
      "R: there are no Gram matrices for recurrent weights",
      'I: MatMul "then" stands inside main/choice/then_branch, whose values do not leave it',
    ]);
  });

  it("returns the model itself where there is nothing to lay out", () => {
    const { given, model, inputs } = laidOut(parts([node("Relu", ["x"], ["y"])], [], ["y"]));
    expect(model).toBe(given);
    expect(inputs).toEqual([]);
  });

  it("refuses a mask that is no input", () => {
    let error: unknown;
    try {
      laidOut(masked, "attention_mask");
    } catch (caught) {
      error = caught;
    }
    expect(isStatisticsError(error, "bad-option")).toBe(true);
  });

  it("lays out what instrument measures, on a real model with a mask", async () => {
    const model = decodeModel(readFileSync(useLitePath()));
    const feeds = tokenBatch(["A short one.", "How old are you, and who wants to know?"]);
    const options = { mask: "attention_mask" };
    const { weights } = await measuredRun(model, feeds, options);
    const { model: more, inputs, unsupported } = laidOut(model, options.mask);
    expect(unsupported).toEqual([]);
    const sums = await squaresOf(more, inputs, feeds);
    for (const { value, weights: names } of inputs) {
      for (const name of names) expectClose(sums.get(value)!, weights.get(name)!.sums, weights.get(name)!.sums);
    }
    expect(inputs.flatMap(({ weights: names }) => names).sort()).toEqual([...weights.keys()].sort());
  });
});

/** `Σ x²` over the positions of what is laid out, reduced in the graph. */
async function squaresOf(
  model: Model,
  inputs: readonly { readonly value: string }[],
  feeds: Parameters<typeof laidOutRun>[1],
) {
  const squares = inputs.map(({ value }) => makeNode("ReduceSumSquare", [value], [`${value}_squares`], { axes: [1n] }));
  const outputs = squares.map(({ output }) => makeValueInfo(output[0]!, DataType.FLOAT));
  const runner = await openRunner(encodeModel(appendToGraph(model, { nodes: squares, outputs })));
  const values = await runner.run(feeds);
  await runner.close();
  return new Map(inputs.map(({ value }) => [value, [...(values[`${value}_squares`]!.data as Float32Array)]]));
}
