import {
  TensorProto_DataType as DataType,
  decodeModel,
  encodeModel,
  makeValueInfo,
  prunableWeights,
  withTensorData,
} from "@espalier/onnx";
import type { Tensor } from "@espalier/runtime";
import { buildModel, graph, type ModelParts, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectMeasured, float32 } from "../../../test-support/measured-run.js";
import {
  flag,
  model,
  output,
  product,
  ROWS,
  run,
  square,
  times,
  valuesOf,
  WIDTH,
  X,
  x,
  ZEROS,
} from "../../../test-support/subgraph-models.js";
import { instrument } from "../instrument.js";

describe("instrument, weights in the branches of an If", () => {
  const choice = model({
    nodes: [
      node(
        "If",
        ["c"],
        ["y"],
        {
          then_branch: product("x", "T", "t", [square("T", 1)]),
          else_branch: graph({
            nodes: [
              node("Constant", [], ["E"], { value: square("", 2) }),
              node("Relu", ["x"], ["r"]),
              node("MatMul", ["r", "E"], ["e"]),
            ],
            outputs: [output("e")],
          }),
        },
        { name: "choice" },
      ),
    ],
    inputs: [valueInfo("x", "float32", ["batch", WIDTH]), valueInfo("c", "bool", [])],
    outputs: [output("y")],
  });

  it("measures the branch that is taken, and nothing for the other", async () => {
    const [then, otherwise] = ["main/choice/then_branch/T", "main/choice/else_branch/E"];
    const taken = await run(choice, { x: x(), c: flag(true) });
    expect(taken.instrumentation.unsupported).toEqual([]);
    expectMeasured(taken.weights.get(then), [ROWS]);
    expect(taken.weights.get(otherwise)).toEqual(ZEROS);
    const not = await run(choice, { x: x(), c: flag(false) });
    expect(not.weights.get(then)).toEqual(ZEROS);
    expectMeasured(not.weights.get(otherwise), [ROWS.map((row) => row.map((value) => Math.max(0, value)))]);
  });

  it("adds up what a weight of the main graph sees in both branches and outside", async () => {
    const given = model({
      nodes: [
        node("MatMul", ["x", "W"], ["v"]),
        node("If", ["c"], ["y"], { then_branch: product("v", "W", "t"), else_branch: product("x", "W", "e") }),
      ],
      initializers: [square("W")],
      inputs: [valueInfo("x", "float32", ["batch", WIDTH]), valueInfo("c", "bool", [])],
      outputs: [output("y")],
    });
    const V = times(ROWS, valuesOf(1));
    expectMeasured((await run(given, { x: x(), c: flag(true) })).weights.get("W"), [[...ROWS, ...V]]);
    expectMeasured((await run(given, { x: x(), c: flag(false) })).weights.get("W"), [[...ROWS, ...ROWS]]);
  });

  it("goes through an If in an If, shares what weights share, and leaves tensors as they are", async () => {
    const inner = (name: string) =>
      graph({
        nodes: [
          node("If", ["d"], [`${name}_i`], {
            then_branch: graph({
              nodes: [
                node("MatMul", ["v", `${name}_A`], [`${name}_a`]),
                node("MatMul", ["v", `${name}_B`], [`${name}_b`]),
                node("Add", [`${name}_a`, `${name}_b`], [`${name}_s`]),
              ],
              initializers: [square(`${name}_A`, 5), square(`${name}_B`, 6)],
              outputs: [output(`${name}_s`)],
            }),
            else_branch: graph({ nodes: [node("Relu", ["v"], [`${name}_r`])], outputs: [output(`${name}_r`)] }),
          }),
        ],
        outputs: [output(`${name}_i`)],
      });
    const given = model({
      nodes: [
        node("Abs", ["x"], ["v"]),
        node("If", ["c"], ["y"], { then_branch: inner("t"), else_branch: inner("e") }, { name: "outer" }),
      ],
      inputs: [valueInfo("x", "float32", ["batch", WIDTH]), valueInfo("c", "bool", []), valueInfo("d", "bool", [])],
      outputs: [output("y")],
    });
    const rows = ROWS.map((row) => row.map(Math.abs));
    for (const c of [true, false]) {
      for (const d of [true, false]) {
        const { weights, instrumentation } = await run(given, { x: x(), c: flag(c), d: flag(d) });
        expect(instrumentation.probes.map(({ weights }) => weights.length)).toEqual([2, 2, 2, 2]);
        for (const [name, measured] of weights) {
          if (d && name.includes(c ? "then_branch/If/then_branch/t_" : "else_branch/If/then_branch/e_"))
            expectMeasured(measured, [rows]);
          else expect([name, measured]).toEqual([name, ZEROS]);
        }
      }
    }
  });

  it("leaves out tokens that do not count", async () => {
    const given = model({
      nodes: [
        node("If", ["c"], ["y"], { then_branch: product("x", "W", "t"), else_branch: product("x", "W", "e") }),
        node("Identity", ["mask"], ["m"]),
      ],
      initializers: [square("W")],
      inputs: [
        valueInfo("x", "float32", ["batch", "seq", WIDTH]),
        valueInfo("c", "bool", []),
        valueInfo("mask", "int64", ["batch", "seq"]),
      ],
      outputs: [output("y"), makeValueInfo("m", DataType.INT64)],
    });
    const mask: Tensor = { dtype: "int64", dims: [1, 2], data: BigInt64Array.of(0n, 1n) };
    const feeds = { x: float32([1, 2, WIDTH], X), c: flag(true), mask };
    expectMeasured((await run(given, feeds, { mask: "mask" })).weights.get("W"), [[ROWS[1]!]]);
  });
});

describe("instrument, weights in subgraphs", () => {
  it("know the shapes of what is around them: a product with a constant on the left, a convolution", async () => {
    const image = float32([1, 1, 2, 3], X);
    const given = model({
      nodes: [
        node("If", ["c"], ["y", "z"], {
          then_branch: graph({
            nodes: [node("MatMul", ["W", "x"], ["t"]), node("Conv", ["image", "K"], ["u"])],
            initializers: [square("W"), tensor("K", [1, 1, 2, 2], new Float32Array(4))],
            outputs: [output("t"), output("u")],
          }),
          else_branch: graph({
            nodes: [node("Identity", ["x"], ["e"]), node("Identity", ["image"], ["f"])],
            outputs: [output("e"), output("f")],
          }),
        }),
      ],
      inputs: [
        valueInfo("x", "float32", [WIDTH, "columns"]),
        valueInfo("image", "float32", ["n", 1, "h", "w"]),
        valueInfo("c", "bool", []),
      ],
      outputs: [output("y"), output("z")],
    });
    const { weights } = await run(given, { x: float32([WIDTH, 2], X), image, c: flag(true) });
    const [a, b, c, d, e, f] = X as unknown as [number, number, number, number, number, number];
    expectMeasured(weights.get("main/If/then_branch/W"), [
      [
        [a, c, e],
        [b, d, f],
      ],
    ]);
    expectMeasured(weights.get("main/If/then_branch/K"), [
      [
        [a, b, d, e],
        [b, c, e, f],
      ],
    ]);
  });

  it("are unsupported where values cannot be brought out: other operators, opset 8", () => {
    const parts = model({
      nodes: [node("If", ["c"], ["y"], { then_branch: product("x", "W", "t"), else_branch: product("x", "W", "e") })],
      initializers: [square("W")],
      inputs: [valueInfo("x", "float32", ["batch", WIDTH]), valueInfo("c", "bool", [])],
      outputs: [output("y")],
      opset: 8,
    } as ModelParts);
    const decoded = decodeModel(buildModel(parts));
    const { unsupported, model: same } = instrument(decoded, weightsOf(decoded));
    expect(unsupported).toEqual([
      { name: "W", reason: "it stands inside a subgraph, which needs a model of opset 9 or later" },
    ]);
    expect(same).toBe(decoded);
  });

  it("come with the data of their tensors, wherever those are stored", () => {
    const parts = model({
      nodes: [
        node("If", ["c"], ["y"], {
          then_branch: product("x", "T", "t", [square("T", 1)]),
          else_branch: product("x", "E", "e", [square("E", 2)]),
        }),
      ],
      inputs: [valueInfo("x", "float32", ["batch", WIDTH]), valueInfo("c", "bool", [])],
      outputs: [output("y")],
    });
    const decoded = decodeModel(buildModel(parts));
    const zeroed = withTensorData(
      decoded,
      new Map(weightsOf(decoded).map(({ tensor }) => [tensor, () => new Uint8Array(36)])),
    );
    const { model: after } = instrument(zeroed, weightsOf(zeroed));
    const again = weightsOf(decodeModel(encodeModel(after)));
    expect(again.map((weight) => [...weight.read()])).toEqual([Array(9).fill(0), Array(9).fill(0)]);
  });
});

function weightsOf(decoded: Parameters<typeof prunableWeights>[0]) {
  return prunableWeights(decoded).filter((weight) => weight.prunable);
}
