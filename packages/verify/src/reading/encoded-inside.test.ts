import { computeMasks, l1, unstructured } from "@espalier/core";
import { applyMasks, encodeWeights, type WeightChoice } from "@espalier/export";
import {
  decodeModel,
  encodeModel,
  type Model,
  prunableWeights,
  rewriteGraph,
  tensorBytes,
  walkGraphs,
  walkTensors,
  withFields,
  withTensorData,
} from "@espalier/onnx";
import { buildModel, functionBody, graph, node, random, tensor, valueInfo } from "@espalier/testkit";
import { type Check, type VerifyOptions, verifyPruned } from "@espalier/verify";
import { describe, expect, it } from "vitest";

/** Models whose weights in subgraphs and functions are computed: they are judged as a dense one is. */

const numbers = random(5);
const SIZE = 24;
const weight = (name: string) => tensor(name, [SIZE, SIZE], numbers.float32(SIZE * SIZE));
const row = (name: string) => valueInfo(name, "float32", [1, SIZE]);

/** Weights of one name in both branches of If; in a loop in one of them; a Constant node and two of a function; one outside. */
const original = decodeModel(
  buildModel({
    nodes: [
      node("Layer", ["x"], ["f"], {}, { domain: "own" }),
      node("If", ["c"], ["b"], { then_branch: thenBranch(), else_branch: elseBranch() }),
      node("MatMul", ["b", "last"], ["y"], {}, { name: "last" }),
    ],
    initializers: [weight("last")],
    inputs: [row("x"), valueInfo("c", "bool", [])],
    outputs: [row("y")],
    functions: [functionBody({ name: "Layer", domain: "own", inputs: ["x"], outputs: ["f"], nodes: layerNodes() })],
    opsetImports: [{ domain: "own", version: 1 }],
  }),
);

function thenBranch() {
  const body = graph({
    nodes: [node("Identity", ["going"], ["goes"]), node("MatMul", ["h", "inner"], ["next"], {}, { name: "step" })],
    initializers: [tensor("unused", [2], Float32Array.of(1, 2)), weight("inner")],
    inputs: [valueInfo("i", "int64", []), valueInfo("going", "bool", []), row("h")],
    outputs: [valueInfo("goes", "bool", []), row("next")],
  });
  return graph({
    nodes: [node("MatMul", ["f", "w"], ["p"]), node("Loop", ["n", "", "p"], ["t"], { body }, { name: "loop" })],
    initializers: [weight("w"), tensor("n", [], BigInt64Array.of(2n))],
    outputs: [row("t")],
  });
}

function elseBranch() {
  return graph({
    nodes: [
      node("Relu", ["f"], ["r"]),
      node("Constant", [], ["k"], { value: weight("") }),
      node("MatMul", ["r", "w"], ["p2"]),
      node("MatMul", ["p2", "k"], ["e"]),
    ],
    initializers: [weight("w")],
    outputs: [row("e")],
  });
}

function layerNodes() {
  return [
    node("Constant", [], ["w"], { value: weight("") }),
    node("MatMul", ["x", "w"], ["m"]),
    node("Constant", [], ["v"], { value: weight("") }),
    node("MatMul", ["m", "v"], ["f"]),
  ];
}

const reread = (model: Model): Model => decodeModel(encodeModel(model));
const weights = prunableWeights(original).filter((one) => one.prunable);
const names = weights.map(({ name }) => name);

function pruned(): Model {
  const options = { criterion: l1(), pattern: unstructured(0.5) };
  const masks = new Map([...computeMasks(weights, options)].map(([name, { mask }]) => [name, mask]));
  return reread(applyMasks(original, weights, masks, { tool: "test 1.0", ...options }));
}

const half = pruned();

/** What cannot be a bitmask, functions, has gaps. */
const encode = (choice: WeightChoice, which = names): Model => {
  const choiceOf = (name: string) => (name.startsWith("functions/") ? { ...choice, encoding: "gap" } : choice);
  return reread(encodeWeights(half, new Map(which.map((name) => [name, choiceOf(name)]))));
};

async function checksOf(model: Model, options: Partial<VerifyOptions> = {}): Promise<readonly Check[]> {
  return (await verifyPruned({ original, pruned: model, minSparsity: 0.5, maxOutputError: 10, ...options })).checks;
}

async function failuresOf(model: Model): Promise<Record<string, string>> {
  const failed = (await checksOf(model)).filter(({ status }) => status === "failed");
  return Object.fromEntries(failed.map(({ name, message }) => [name, message]));
}

/** The model with the bytes of one of its tensors changed. */
function edit(model: Model, name: string, change: (bytes: Uint8Array<ArrayBuffer>) => void): Model {
  const { tensor: one } = [...walkTensors(model.proto)].find((entry) => entry.tensor.name === name)!;
  const changed = tensorBytes(model, one);
  change(changed);
  return reread(withTensorData(model, new Map([[one, () => changed]])));
}

describe("weights of subgraphs and functions that are computed", () => {
  it("are the weights of this model", () => {
    expect(names).toEqual([
      "last",
      "main/If/then_branch/w",
      "main/If/then_branch/loop/body/inner",
      "main/If/else_branch/w",
      "main/If/else_branch/k",
      "functions/own:Layer/w",
      "functions/own:Layer/v",
    ]);
  });

  it.each(["bitmask", "gap"])("pass what the dense ones pass, for the same numbers: %s", async (encoding) => {
    const [before, after] = [await checksOf(half), await checksOf(encode({ encoding }))];
    expect(after.filter(({ status }) => status === "failed")).toEqual([]);
    for (const [index, check] of after.entries()) {
      if (check.name === "rest-unchanged") expect(check.message).toMatch(/; 7 tensors read through decoders$/);
      else expect(check).toEqual(before[index]);
    }
  });

  it("pass where only those inside are encoded, or sparse, or rounded", async () => {
    const inGraphs = names.slice(1, 4);
    expect(await failuresOf(encode({ encoding: "gap" }, names.slice(1)))).toEqual({});
    expect(await failuresOf(encode({ encoding: "coo" }, inGraphs))).toEqual({});
    const rounded = await checksOf(encode({ encoding: "bitmask", values: "int8" }));
    expect(rounded.filter(({ status }) => status === "failed")).toEqual([]);
    const kept = rounded.find(({ name }) => name === "kept-weights")!;
    expect(kept.message).toMatch(/7 weights stored as int8 and off by at most/);
  });

  it.each(names.slice(1))("are found to differ by one unit in the last place: %s", async (name) => {
    const broken = edit(encode({ encoding: "bitmask" }), `espalier/weights/${name}/values`, (bytes) => {
      const values = new Uint32Array(bytes.buffer);
      values[values.findIndex((one) => one !== 0)]! += 1;
    });
    const failures = await failuresOf(broken);
    expect(Object.keys(failures)).toEqual(["kept-weights"]);
    expect(failures["kept-weights"]).toContain(`weight "${name}" [`);
  });

  it("are told where they cannot be read: the model's input decides", async () => {
    const model = encode({ encoding: "gap" });
    const [loop] = [...walkGraphs(model.proto)].filter(({ path }) => path.at(-1) === "body");
    const reshape = loop!.nodes.find(({ output }) => output[0] === "inner")!;
    const depends = node("Where", ["going", "espalier/was", "espalier/was"], ["inner"]);
    const replace = new Map([[reshape, [withFields(reshape, { output: ["espalier/was"] }), depends]]]);
    const failures = await failuresOf(reread(rewriteGraph(model, { replace })));
    const reason = "it is not computed from constants alone";
    expect(failures["kept-weights"]).toContain(`"main/If/then_branch/loop/body/inner"`);
    expect(failures["kept-weights"]).toContain(reason);
  });

  it("leave everything else to be compared: other tensors, nodes and tables that something else reads", async () => {
    const encoded = encode({ encoding: "gap" });
    const other = edit(encoded, "unused", (bytes) => bytes.fill(0, 4));
    expect(await failuresOf(other)).toEqual({
      "rest-unchanged": expect.stringMatching(/initializer "unused" in main\/If\/then_branch\/loop\/body at \[1\]/),
    });
    const [branch] = [...walkGraphs(encoded.proto)].filter(({ path }) => path.at(-1) === "else_branch");
    const relu = branch!.nodes.find(({ opType }) => opType === "Relu")!;
    const shared = encoded.proto.graph!.initializer.find(({ name }) => name.startsWith("espalier/shared/"))!;
    const reading = node("Identity", [shared.name], ["espalier/read by another"]);
    const changed = reread(rewriteGraph(encoded, { replace: new Map([[relu, [relu, reading]]]) }));
    const failures = await failuresOf(changed);
    expect(Object.keys(failures)).toEqual(["rest-unchanged"]);
    expect(failures["rest-unchanged"]).toContain("espalier/read by another");
  });
});
