import { create } from "@bufbuild/protobuf";
import {
  TensorProto_DataType as DataType,
  decodeModel,
  makeValueInfo,
  type NodeProto,
  prunableWeights,
} from "@espalier/onnx";
import type { Tensor } from "@espalier/runtime";
import { buildModel, graph, type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { type AttributeProto, AttributeProtoSchema, type FunctionProto, FunctionProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { expectMeasured, float32, measuredRun } from "../../../test-support/measured-run.js";
import { instrument } from "../instrument.js";

const f32 = (name: string, dims: readonly number[], seed = 1) =>
  tensor(name, dims, random(seed).float32(dims.reduce((all, size) => all * size, 1)));
const x = () => float32([2, 3], Float32Array.of(1, -2, 3, 4, 5, -6));
const ROWS = [
  [1, -2, 3],
  [4, 5, -6],
];
const RELU = ROWS.map((row) => row.map((value) => Math.max(0, value)));
const ABS = ROWS.map((row) => row.map(Math.abs));
const output = (name: string) => makeValueInfo(name, DataType.FLOAT);
const call = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Parameters<typeof node>[3] = {},
) => node(op, inputs, outputs, attributes, { domain: "own" });

function body(
  name: string,
  input: string[],
  outputs: string[],
  nodes: NodeProto[],
  more: Partial<Pick<FunctionProto, "attribute" | "attributeProto" | "opsetImport">> = {},
): FunctionProto {
  const opsetImport = [
    { domain: "", version: 17n },
    { domain: "own", version: 1n },
  ];
  return create(FunctionProtoSchema, {
    name,
    domain: "own",
    input,
    output: outputs,
    node: nodes,
    opsetImport,
    ...more,
  });
}

/** `Relu(a) · F` with a matrix of its own. */
const own = () =>
  body(
    "Own",
    ["a"],
    ["b"],
    [
      node("Constant", [], ["F"], { value: f32("", [3, 3]) }),
      node("Relu", ["a"], ["r"]),
      node("MatMul", ["r", "F"], ["b"]),
    ],
  );
/** `|a| · w`. */
const linear = () => body("Linear", ["a", "w"], ["b"], [node("Abs", ["a"], ["v"]), node("MatMul", ["v", "w"], ["b"])]);

function model(nodes: NodeProto[], functions: FunctionProto[], more: Partial<ModelParts> = {}): ModelParts {
  return {
    nodes,
    functions,
    inputs: [valueInfo("x", "float32", ["batch", 3])],
    outputs: [output("y")],
    opsetImports: [{ domain: "own", version: 1 }],
    ...more,
  };
}

const run = (parts: ModelParts, feeds: Record<string, Tensor> = { x: x() }) =>
  measuredRun(parts, feeds, { gram: true });

function unsupportedIn(parts: ModelParts) {
  const decoded = decodeModel(buildModel(parts));
  return instrument(
    decoded,
    prunableWeights(decoded).filter((weight) => weight.prunable),
  ).unsupported;
}

describe("instrument, weights in functions", () => {
  it("measures a constant of the body, over all calls", async () => {
    const { weights, instrumentation } = await run(
      model(
        [
          call("Own", ["x"], ["v"]),
          node("Abs", ["x"], ["w"]),
          call("Own", ["w"], ["u"]),
          node("Add", ["u", "v"], ["y"]),
        ],
        [own()],
      ),
    );
    expect(instrumentation.unsupported).toEqual([]);
    expectMeasured(weights.get("functions/own:Own/F"), [[...RELU, ...ABS]]);
  });

  it("measures weights that are handed in, each at its own call", async () => {
    const { weights } = await run(
      model(
        [
          call("Linear", ["x", "V"], ["v"]),
          node("Relu", ["x"], ["r"]),
          call("Linear", ["r", "W"], ["w"]),
          node("Add", ["v", "w"], ["y"]),
        ],
        [linear()],
        { initializers: [f32("V", [3, 2]), f32("W", [3, 2], 2)] },
      ),
    );
    expectMeasured(weights.get("V"), [ABS]);
    expectMeasured(weights.get("W"), [RELU]);
  });

  it("goes through calls in calls, with attributes that are handed on", async () => {
    const refer = (target: NodeProto, name: string, refAttrName: string): NodeProto => {
      target.attribute.push(create(AttributeProtoSchema, { name, refAttrName, type: 2 }));
      return target;
    };
    const byDefault: AttributeProto[] = [create(AttributeProtoSchema, { name: "turned", type: 2, i: 1n })];
    const inner = body("Inner", ["a", "w"], ["b"], [refer(node("Gemm", ["a", "w"], ["b"]), "transB", "flag")], {
      attribute: ["flag"],
    });
    const outer = body(
      "Outer",
      ["a", "w"],
      ["b", "unused"],
      [
        node("Relu", ["a"], ["r"]),
        refer(call("Inner", ["r", "w"], ["b"]), "flag", "turned"),
        node("Neg", ["r"], ["unused"]),
      ],
      { attributeProto: byDefault },
    );
    const { weights } = await run(
      model(
        [
          call("Outer", ["x", "T"], ["t", "u"]),
          call("Outer", ["x", "P"], ["p", "q"], { turned: 0 }),
          node("Add", ["t", "p"], ["y"]),
        ],
        [inner, outer],
        { initializers: [f32("T", [2, 3]), f32("P", [3, 2])] },
      ),
    );
    expectMeasured(weights.get("T"), [RELU]);
    expectMeasured(weights.get("P"), [RELU]);
  });

  it("goes into an If in a function, and a function in an If", async () => {
    const inside = (name: string) =>
      graph({
        nodes: [node("MatMul", ["a", `${name}_W`], ["r"])],
        initializers: [f32(`${name}_W`, [3, 3])],
        outputs: [output("r")],
      });
    const choosing = body(
      "Choosing",
      ["a", "c"],
      ["b"],
      [node("If", ["c"], ["b"], { then_branch: inside("t"), else_branch: inside("e") }, { name: "if" })],
    );
    const parts = model(
      [
        call("Choosing", ["x", "c"], ["first"]),
        node("Abs", ["x"], ["absolute"]),
        call("Choosing", ["absolute", "d"], ["second"]),
        node("If", ["c"], ["third"], {
          then_branch: graph({ nodes: [call("Own", ["x"], ["o"])], outputs: [output("o")] }),
          else_branch: graph({ nodes: [node("Identity", ["x"], ["i"])], outputs: [output("i")] }),
        }),
        node("Sum", ["first", "second", "third"], ["y"]),
      ],
      [choosing, own()],
      { inputs: [valueInfo("x", "float32", ["batch", 3]), valueInfo("c", "bool", []), valueInfo("d", "bool", [])] },
    );
    const flag = (value: boolean): Tensor => ({ dtype: "bool", dims: [], data: Uint8Array.of(value ? 1 : 0) });
    const names = ["then_branch/t_W", "else_branch/e_W"].map((name) => `functions/own:Choosing/if/${name}`);
    const { weights } = await run(parts, { x: x(), c: flag(true), d: flag(false) });
    expectMeasured(weights.get(names[0]!), [ROWS]);
    expectMeasured(weights.get(names[1]!), [ABS]);
    expectMeasured(weights.get("functions/own:Own/F"), [RELU]);
    const twice = (await run(parts, { x: x(), c: flag(true), d: flag(true) })).weights;
    expectMeasured(twice.get(names[0]!), [[...ROWS, ...ABS]]);
    expect(twice.get(names[1]!)!.count).toBe(0);
  });

  it("leaves functions alone where no weight is read in them", () => {
    const twice = body("Twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])]);
    const parts = model([call("Twice", ["x"], ["v"]), node("MatMul", ["v", "W"], ["y"])], [twice], {
      initializers: [f32("W", [3, 3])],
    });
    const decoded = decodeModel(buildModel(parts));
    const { model: after } = instrument(
      decoded,
      prunableWeights(decoded).filter((weight) => weight.prunable),
    );
    expect(after.proto.graph!.node[0]).toBe(decoded.proto.graph!.node[0]);
  });
});

describe("instrument gives a reason for weights in functions", () => {
  const reason = 'MatMul "b" stands inside functions/own:Own, whose values do not leave it';

  it("where the function is written for other versions of the operators", () => {
    const old = own();
    old.opsetImport[0]!.version = 13n;
    expect(unsupportedIn(model([call("Own", ["x"], ["y"])], [old]))).toEqual([{ name: "functions/own:Own/F", reason }]);
  });

  it("where a function that stays a call calls it, too", () => {
    const old = body("Old", ["a"], ["b"], [node("Neg", ["a"], ["v"]), call("Own", ["v"], ["b"])]);
    old.opsetImport[0]!.version = 13n;
    const nodes = [call("Own", ["x"], ["v"]), call("Old", ["v"], ["y"])];
    expect(unsupportedIn(model(nodes, [old, own()]))).toEqual([{ name: "functions/own:Own/F", reason }]);
  });

  it("where functions call themselves, and where calls in calls are too many", () => {
    const again = body("Again", ["a"], ["b"], [call("Again", ["a"], ["v"]), call("Own", ["v"], ["b"])]);
    expect(unsupportedIn(model([call("Again", ["x"], ["y"])], [again, own()]))).toHaveLength(1);
    const levels = Array.from({ length: 40 }, (_, level) =>
      body(
        `Level${level}`,
        ["a"],
        ["b"],
        [
          call(level === 0 ? "Own" : `Level${level - 1}`, ["a"], ["v"]),
          call(level === 0 ? "Own" : `Level${level - 1}`, ["v"], ["b"]),
        ],
      ),
    );
    expect(unsupportedIn(model([call("Level39", ["x"], ["y"])], [...levels, own()]))).toHaveLength(1);
    const chain = Array.from({ length: 2000 }, (_, level) =>
      body(`Level${level}`, ["a"], ["b"], [call(level === 0 ? "Own" : `Level${level - 1}`, ["a"], ["b"])]),
    );
    expect(unsupportedIn(model([call("Level1999", ["x"], ["y"])], [...chain, own()]))).toHaveLength(1);
  });

  it("where nothing calls the function", () => {
    const parts = model([node("MatMul", ["x", "W"], ["y"])], [own()], { initializers: [f32("W", [3, 3])] });
    expect(unsupportedIn(parts).map(({ name }) => name)).toEqual(["functions/own:Own/F"]);
  });
});
