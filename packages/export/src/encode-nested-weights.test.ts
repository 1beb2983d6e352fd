import { encodedSize, encodeWeights, type WeightChoice } from "@espalier/export";
import {
  decodeModel,
  encodeModel,
  type Model,
  type NodeProto,
  type PrunableWeight,
  prunableWeights,
  tensorBytes,
  walkGraphs,
  walkTensors,
} from "@espalier/onnx";
import { openRunner, type RunnerOptions } from "@espalier/runtime";
import { buildModel, functionBody, graph, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { feedOf, HOLDERS, nestedModel } from "../test-support/nested-models.js";
import { optimized } from "../test-support/optimized.js";
import { WEIGHT_CASES, type WeightCase, weights } from "../test-support/weight-cases.js";

const LEVELS = ["disabled", "basic", "all"] as const;
const BACKENDS = ["node", "web"] as const;
const caseOf = (name: string) => WEIGHT_CASES.find((one) => one.name.startsWith(name))!;
const TWO_OF_FOUR = caseOf("2:4 along K, 216");

const GRU: WeightCase = {
  name: "GRU",
  dims: [1, 12, 8],
  elements: weights(96, (index) => index % 4 < 2),
  others: [
    tensor("x", [2, 1, 8], new Float32Array(16).fill(1)),
    tensor("R", [1, 12, 4], new Float32Array(48).fill(0.5)),
  ],
  nodes: [node("GRU", ["x", "W", "R"], ["y"], { hidden_size: 4 })],
};

function encoded(model: Model, names: readonly string[], choice: WeightChoice): Model {
  return encodeWeights(model, new Map(names.map((name) => [name, choice])));
}

/** Why a weight cannot be stored so; the error of encoding it says the same. */
function reasonOf(model: Model, name: string, choice: WeightChoice): string {
  const weight = prunableWeights(model).find((one) => one.name === name) as PrunableWeight;
  const size = encodedSize(model, weight, choice);
  const reason = "refused" in size ? size.refused : "";
  const message = `"${name}" cannot be stored as ${choice.encoding}: ${reason}`;
  expect(() => encoded(model, [name], choice)).toThrow(expect.objectContaining({ code: "cannot-encode", message }));
  return reason;
}

/** The outputs for both values of the condition. */
async function outputsOf(model: Model, one: WeightCase, options: RunnerOptions): Promise<Float32Array[]> {
  const runner = await openRunner(encodeModel(model), options);
  try {
    const outputs: Float32Array[] = [];
    for (const chosen of [1, 0]) {
      const feeds = { x: feedOf(one), c: { dtype: "bool", dims: [], data: Uint8Array.of(chosen) } } as const;
      const inputs = runner.inputs.map(({ name }) => [name, feeds[name as "x" | "c"]]);
      outputs.push((await runner.run(Object.fromEntries(inputs))).out!.data as Float32Array);
    }
    return outputs;
  } finally {
    await runner.close();
  }
}

/** Operators that run, by graph; what a saved Constant node holds is taken out of it when the model is loaded. */
const operators = ({ proto }: Model) => {
  const types = (nodes: readonly NodeProto[]) => nodes.map(({ opType }) => opType).filter((one) => one !== "Constant");
  return [...walkGraphs(proto)].map(({ nodes }) => types(nodes).sort());
};

/** Elements of all tensors of a shape, as text. */
function tensorsOf(model: Model, dims: readonly number[]): string[] {
  const tensors = [...walkTensors(model.proto)].filter(({ tensor }) => tensor.dims.map(Number).join() === dims.join());
  return tensors.map(({ tensor }) => Buffer.from(tensorBytes(model, tensor)).toString("hex")).sort();
}

async function expectFolded(model: Model, after: Model, dims: readonly number[]): Promise<void> {
  for (const level of ["basic", "all"] as const) {
    const [dense, expanded] = [await optimized(model, level), await optimized(after, level)];
    expect(operators(expanded)).toEqual(operators(dense));
    expect(tensorsOf(expanded, dims)).toEqual(tensorsOf(dense, dims));
  }
}

/**
 * Not folded, a weight is no constant to the kernels: they may add in another order. Largest difference: 40 products of numbers
 * below 8, each sum off by half a unit of its last place.
 */
const REORDERED = 40 * 64 * 2 ** -24;

async function expectSameOutputs(model: Model, after: Model, one: WeightCase): Promise<void> {
  for (const backend of BACKENDS) {
    for (const optimization of LEVELS) {
      const options = { backend, optimization };
      const [expected, found] = [await outputsOf(model, one, options), await outputsOf(after, one, options)];
      if (optimization !== "disabled") expect(found).toEqual(expected);
      else expect(largestDifference(found, expected)).toBeLessThan(REORDERED);
    }
  }
}

function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  expect(a.map(({ length }) => length)).toEqual(b.map(({ length }) => length));
  const differences = a.flatMap((values, index) => [...values].map((value, at) => Math.abs(value - b[index]![at]!)));
  return Math.max(...differences.filter((difference) => !Number.isNaN(difference)));
}

/** A function cannot declare how many bits of a bitmask are set. */
function encodingsIn(holder: string): readonly string[] {
  return holder.includes("function") ? ["gap", "nm"] : ["bitmask", "gap", "nm"];
}

describe.each(Object.entries(HOLDERS))("a weight in %s", (holder, { weights: names }) => {
  const model = () => decodeModel(nestedModel(TWO_OF_FOUR, holder));

  it.each(encodingsIn(holder))("is computed when the model is loaded, and is the same: %s", async (encoding) => {
    const after = encoded(model(), names, { encoding });
    expect(prunableWeights(after).filter(({ prunable, shape }) => prunable && shape.join() === "16,3")).toEqual([]);
    await expectFolded(model(), after, TWO_OF_FOUR.dims);
    await expectSameOutputs(model(), after, TWO_OF_FOUR);
  });

  it.skipIf(holder.includes("function"))("can be a sparse tensor", async () => {
    const after = encoded(model(), names, { encoding: "coo" });
    expect([...walkTensors(after.proto)].filter(({ role }) => role === "sparse-values")).toHaveLength(names.length);
    await expectSameOutputs(model(), after, TWO_OF_FOUR);
  });

  it.each(["float16", "int8"])("can have rounded values: %s", async (values) => {
    const after = encoded(model(), names, { encoding: "gap", values });
    const dense = await optimized(model(), "basic");
    expect(operators(await optimized(after, "basic"))).toEqual(operators(dense));
    const exact = encoded(model(), names, { encoding: "dense", values });
    await expectSameOutputs(exact, after, TWO_OF_FOUR);
  });
});

const LAYERS = [
  "24x16",
  "−0, NaN",
  "float16",
  "int8",
  "Gemm",
  "Conv 3x3 at",
  "Conv 3x3 with",
  "ConvTranspose",
  "LSTM",
].map(caseOf);

describe.each([...LAYERS, GRU])("the layer $name", (one) => {
  it.each(["Loop", "both branches of If", "a function, called twice"])("works in %s", async (holder) => {
    const { weights: names } = HOLDERS[holder]!;
    const model = decodeModel(nestedModel(one, holder));
    const isNm = one.name.includes("2:4") || one === GRU;
    for (const encoding of encodingsIn(holder).filter((name) => isNm || name !== "nm")) {
      const after = encoded(model, names, { encoding });
      await expectFolded(model, after, one.dims);
      await expectSameOutputs(model, after, one);
    }
  });
});

describe("a model of an older opset", () => {
  it.each([
    ["both branches of If", 7],
    ["both branches of If", 10],
    ["Loop", 7],
    ["Loop", 10],
    ["Scan", 9],
    ["Scan", 10],
    ["If in Loop", 9],
  ])("%s, opset %d, is raised", async (holder, opset) => {
    const model = decodeModel(nestedModel(TWO_OF_FOUR, holder, opset));
    const after = encoded(model, HOLDERS[holder]!.weights, { encoding: "gap" });
    expect(Number(after.proto.opsetImport[0]!.version)).toBe(11);
    await expectFolded(model, after, TWO_OF_FOUR.dims);
    await expectSameOutputs(model, after, TWO_OF_FOUR);
  });

  it("has its nodes inside of graphs rewritten too", async () => {
    const clipped = {
      ...TWO_OF_FOUR,
      nodes: [
        node("MatMul", ["x", "W"], ["h"]),
        node("Clip", ["h"], ["y"], { min: { float: -1 }, max: { float: 0.5 } }),
      ],
    };
    const model = decodeModel(nestedModel(clipped, "If in Loop", 10));
    const { weights: names } = HOLDERS["If in Loop"]!;
    const after = encoded(model, names, { encoding: "nm" });
    await expectSameOutputs(model, after, clipped);
    expect((await outputsOf(after, clipped, {}))[0]).toContain(-1);
  });

  it("stays as it is where Scan means something else", () => {
    const model = decodeModel(nestedModel(TWO_OF_FOUR, "Scan", 8));
    expect(reasonOf(model, "main/scan/body/W", { encoding: "gap" })).toBe(
      'opset 8 of the model cannot be raised to 11: Scan node "scan" may change its meaning',
    );
  });
});

describe("what cannot be stored outside the main graph", () => {
  it("is a sparse tensor in a function", () => {
    for (const holder of ["a function, called twice", "If in a function"]) {
      const model = decodeModel(nestedModel(TWO_OF_FOUR, holder));
      expect(reasonOf(model, HOLDERS[holder]!.weights[0]!, { encoding: "coo" })).toBe(
        'it stands in the function "Layer": ONNX Runtime does not load sparse tensors there',
      );
    }
  });

  it("is a bitmask in a function", () => {
    for (const holder of ["a function, called twice", "If in a function"]) {
      const model = decodeModel(nestedModel(TWO_OF_FOUR, holder));
      expect(reasonOf(model, HOLDERS[holder]!.weights[0]!, { encoding: "bitmask" })).toBe(
        'it stands in the function "Layer": how many bits are set cannot be declared there, and ONNX Runtime would decode it in every run',
      );
    }
  });

  it("is anything in a function of an old opset, which is not raised", () => {
    const nodes = [node("Constant", [], ["W"], { value: tensor("", [2, 2], Float32Array.of(1, 0, 0, 2)) })];
    const product = node("MatMul", ["x", "W"], ["y"]);
    const body = { name: "Old", domain: "own", inputs: ["x"], outputs: ["y"], opset: 10, nodes: [...nodes, product] };
    const model = decodeModel(
      buildModel({
        nodes: [node("Old", ["x"], ["y"], {}, { domain: "own" })],
        functions: [functionBody(body)],
        opsetImports: [{ domain: "own", version: 1 }],
      }),
    );
    expect(reasonOf(model, "functions/own:Old/W", { encoding: "gap" })).toBe(
      'it stands in the function "Old", which imports opset 10: decoders need 11',
    );
  });

  it("is a weight in the default of an attribute, which is no node's", () => {
    const product = node("MatMul", ["x", "W"], ["t"]);
    const weight = tensor("W", [2, 2], Float32Array.of(1, 0, 0, 2));
    const given = graph({ nodes: [product], initializers: [weight], outputs: [valueInfo("t", "float32", [2, 2])] });
    const body = functionBody({
      name: "F",
      domain: "own",
      inputs: ["x"],
      outputs: ["y"],
      nodes: [node("Neg", ["x"], ["y"])],
    });
    body.attributeProto.push(...node("If", [], [], { branch: given }).attribute);
    const model = decodeModel(
      buildModel({ nodes: [], functions: [body], opsetImports: [{ domain: "own", version: 1 }] }),
    );
    const [name] = prunableWeights(model).flatMap((one) => (one.prunable ? [one.name] : []));
    expect(reasonOf(model, name!, { encoding: "gap" })).toBe("it stands in the default of an attribute of a function");
  });

  it("is a weight that hides another value, or is hidden: what nodes compute has to have a name of its own", () => {
    const weight = (name: string) => tensor(name, [2, 2], Float32Array.of(1, 0, 0, 2));
    const branch = (name: string, initializers: ReturnType<typeof tensor>[]) =>
      graph({
        nodes: [node("MatMul", ["x", "W"], [name])],
        initializers,
        outputs: [valueInfo(name, "float32", [2, 2])],
      });
    const model = decodeModel(
      buildModel({
        nodes: [
          node(
            "If",
            ["c"],
            ["y"],
            { then_branch: branch("t", [weight("W")]), else_branch: branch("e", []) },
            { name: "if" },
          ),
        ],
        initializers: [weight("W")],
        inputs: [valueInfo("x", "float32", [2, 2]), valueInfo("c", "bool", [])],
        outputs: [valueInfo("y", "float32", [2, 2])],
      }),
    );
    expect(reasonOf(model, "W", { encoding: "gap" })).toBe("a value in main/if/then_branch has the same name");
    expect(reasonOf(model, "main/if/then_branch/W", { encoding: "gap" })).toBe("a value in main has the same name");
  });
});
