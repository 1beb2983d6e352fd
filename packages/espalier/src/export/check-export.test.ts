import { encodeWeights } from "@espalier/export";
import { decodeModel, type Model, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
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

const weightsOf = (model: Model) => prunableWeights(model) as PrunableWeight[];
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
