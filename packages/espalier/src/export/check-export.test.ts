import { encodeWeights } from "@espalier/export";
import { decodeModel, type Model, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { buildModel, functionBody, graph, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { checkExport } from "./check-export.js";
import { resolveExport } from "./export-options.js";

/** x [1, 16] → MatMul(w [16, 8]) → y, half of w zero; `scale` tells two such models apart. */
function product(scale: number): Model {
  const values = random(1)
    .float32(128)
    .map((value, index) => (index % 2 === 0 ? value * scale : 0));
  return decodeModel(
    buildModel({
      nodes: [node("MatMul", ["x", "w"], ["y"])],
      initializers: [tensor("w", [16, 8], Float32Array.from(values))],
      inputs: [valueInfo("x", "float32", [1, 16])],
      outputs: [valueInfo("y", "float32", [1, 8])],
    }),
  );
}

const nestedNames = ["main/If/then_branch/w", "main/If/then_branch/Loop/body/v", "functions/own:Layer/w"];

/** A weight `w` in a branch, `v` in a loop in that branch, and `w` in a function; the one of this index is scaled. */
function nestedModel(scale: number, scaled = 0): Model {
  const weight = (name: string, index: number) => {
    const values = random(index + 2).float32(64);
    const factor = index === scaled ? scale : 1;
    return tensor(
      name,
      [8, 8],
      values.map((value, at) => (at % 3 === 0 ? value * factor : 0)) as Float32Array<ArrayBuffer>,
    );
  };
  const carried = [valueInfo("i", "int64", []), valueInfo("going", "bool", []), valueInfo("h", "float32", [1, 8])];
  const body = graph({
    nodes: [node("MatMul", ["h", "v"], ["h2"]), node("Identity", ["going"], ["goes"])],
    initializers: [weight("v", 1)],
    inputs: carried,
    outputs: [valueInfo("goes", "bool", []), valueInfo("h2", "float32", [1, 8])],
  });
  const then = graph({
    nodes: [node("MatMul", ["x", "w"], ["p"]), node("Loop", ["n", "", "p"], ["q"], { body })],
    initializers: [weight("w", 0), tensor("n", [], BigInt64Array.of(2n))],
    outputs: [valueInfo("q", "float32", [1, 8])],
  });
  const other = graph({
    nodes: [node("Layer", ["x"], ["r"], {}, { domain: "own" })],
    outputs: [valueInfo("r", "float32", [1, 8])],
  });
  const constant = node("Constant", [], ["w"], { value: weight("", 2) });
  const product = node("MatMul", ["x", "w"], ["y"]);
  return decodeModel(
    buildModel({
      nodes: [node("If", ["c"], ["y"], { then_branch: then, else_branch: other })],
      inputs: [valueInfo("x", "float32", [1, 8]), valueInfo("c", "bool", [])],
      outputs: [valueInfo("y", "float32", [1, 8])],
      functions: [
        functionBody({ name: "Layer", domain: "own", inputs: ["x"], outputs: ["y"], nodes: [constant, product] }),
      ],
      opsetImports: [{ domain: "own", version: 1 }],
    }),
  );
}

const weightsOf = (model: Model) => prunableWeights(model).filter((one) => one.prunable) as PrunableWeight[];
const encoded = (model: Model, values: string) => encodeWeights(model, new Map([["w", { encoding: "gap", values }]]));

describe("checkExport", () => {
  const given = product(1);
  const checked = { given, prepared: given, encoded: weightsOf(given), reordered: false };

  it("finds a decoded weight that differs in its last bit", async () => {
    const exported = encoded(product(1 + 2 ** -23), "exact");
    const error = { code: "input", message: expect.stringMatching(/"w" does not come out/) };
    await expect(checkExport({ ...checked, exported }, resolveExport({}))).rejects.toMatchObject(error);
  });

  it("finds a rounded weight that is off by more than rounding", async () => {
    const exported = encoded(product(1.02), "int8");
    const error = { code: "input", message: expect.stringMatching(/more than int8 rounds/) };
    await expect(checkExport({ ...checked, exported }, resolveExport({ values: "int8" }))).rejects.toMatchObject(error);
  });

  it("finds a weight that differs in a branch, in a loop inside of it, and in a function", async () => {
    for (const [index, name] of Object.entries(nestedNames)) {
      const nested = nestedModel(1);
      const weights = weightsOf(nested);
      const choices = new Map(nestedNames.map((one) => [one, { encoding: "gap" }]));
      const its = { given: nested, prepared: nested, encoded: weights, reordered: false };
      expect(weights.map((weight) => weight.name)).toEqual(nestedNames);
      const same = encodeWeights(nested, choices);
      const check = await checkExport({ ...its, exported: same }, resolveExport({}));
      expect(check).toMatchObject({ weights: 3, largestError: 0, outputDistance: 0, notes: [] });
      const exported = encodeWeights(nestedModel(1 + 2 ** -23, Number(index)), choices);
      const error = { code: "input", message: expect.stringContaining(`"${name}" does not come out`) };
      await expect(checkExport({ ...its, exported }, resolveExport({}))).rejects.toMatchObject(error);
    }
  });

  it("finds outputs that differ, and lets them pass when forced", async () => {
    const exported = product(1.5);
    const unencoded = { ...checked, exported, encoded: [] };
    const error = { code: "input", message: expect.stringMatching(/off by 0\.500/) };
    await expect(checkExport(unencoded, resolveExport({}))).rejects.toMatchObject(error);
    const { outputDistance } = await checkExport(unencoded, resolveExport({ force: true }));
    expect(outputDistance).toBeCloseTo(0.5, 5);
  });

  it("says so where the model does not run on random inputs", async () => {
    const bytes = buildModel({
      nodes: [node("Reshape", ["x", "shape"], ["h"]), node("MatMul", ["h", "w"], ["y"])],
      initializers: [tensor("w", [16, 8], random(1).float32(128))],
      inputs: [valueInfo("x", "float32", [1, 16]), valueInfo("shape", "int64", [2])],
      outputs: [valueInfo("y", "float32", ["n", 8])],
    });
    const reshaped = decodeModel(bytes);
    const exported = encoded(reshaped, "exact");
    const its = { given: reshaped, prepared: reshaped, exported, encoded: weightsOf(reshaped), reordered: false };
    const check = await checkExport(its, resolveExport({}));
    expect(check).toMatchObject({ weights: 1, outputDistance: null, notes: [expect.stringMatching(/not compared/)] });
  });
});
