import { type BlockLayer, lowerBlocks } from "@espalier/export";
import { decodeModel } from "@espalier/onnx";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { blockMatrix } from "../../test-support/block-models.js";
import { chooseForm } from "./choose-form.js";
import { MEASURED_SPEEDUPS } from "./measured-speedups.js";

const layer: BlockLayer = {
  weight: "W",
  blocks: { bk: 32, bn: 256 },
  op: "product",
  outChannels: 3072,
  inFeatures: 768,
  positions: 1,
  unit: 32,
  width: 256,
  runs: 12,
  density: 0.5,
  rows: 128,
  target: "ort-node",
  values: "f32",
  forms: ["multi", "bmm"],
};

const formOf = (changes: Partial<BlockLayer>) => chooseForm({ ...layer, ...changes }).form;

describe("chooseForm", () => {
  it.each<[string, Partial<BlockLayer>, string]>([
    ["many rows and wide columns", {}, "multi"],
    ["16 rows and wide columns", { rows: 16 }, "multi"],
    ["one row", { rows: 1 }, "bmm"],
    ["one row, narrow columns", { rows: 1, width: 32, runs: 96 }, "bmm"],
    ["many rows, columns of 64", { width: 64, runs: 48 }, "multi"],
    ["16 rows, columns of 64: nothing pays in f32", { rows: 16, width: 64, runs: 48 }, "dense"],
    ["16 rows, columns of 64 on the web", { rows: 16, width: 64, runs: 48, target: "ort-web" }, "multi"],
    ["many rows, columns of 64, half the inputs: too small", { inFeatures: 256, width: 64, runs: 48 }, "dense"],
    ["16 rows, columns of 64 in int8", { rows: 16, width: 64, runs: 48, values: "int8" }, "bmm"],
    ["an unknown number of rows: what is never slower", { rows: undefined }, "multi"],
    ["an unknown number of rows, narrow columns", { rows: undefined, width: 32, runs: 96 }, "dense"],
    ["one set of inputs for all", { forms: ["shared"], width: 3072, runs: 1 }, "shared"],
    ["single inputs, one set for all", { forms: ["shared"], width: 3072, runs: 1, unit: 1 }, "shared"],
    ["single inputs, half of them left", { unit: 1 }, "dense"],
    ["a quarter of the blocks gone", { density: 0.75 }, "dense"],
    ["ragged blocks a little above a half", { density: 0.51 }, "multi"],
    ["hardly any zeros", { density: 0.95 }, "dense"],
    ["a small matrix", { inFeatures: 128, outChannels: 512 }, "dense"],
    ["3×3 convolution", { op: "conv", positions: 9, unit: 1, width: 32, forms: ["multi"] }, "multi"],
    ["1×1 convolution", { op: "conv", positions: 1, unit: 1, width: 32, forms: ["multi"], density: 0.25 }, "dense"],
    [
      "1×1 convolution on the web",
      { op: "conv", positions: 1, unit: 1, width: 32, forms: ["multi"], target: "ort-web" },
      "multi",
    ],
    ["1×1 convolution, one set for all", { op: "conv", positions: 1, unit: 1, width: 64, forms: ["shared"] }, "shared"],
  ])("%s", (_, changes, form) => {
    expect(formOf(changes)).toBe(form);
  });

  it("says why, and how much it expects", () => {
    expect(chooseForm(layer)).toEqual({
      form: "multi",
      speedup: 1.4,
      reason:
        "about 1.4 times as fast as dense, measured: 50 % of the blocks, 32 inputs × 256 outputs and more, 128 rows, f32, ort-node",
    });
    expect(chooseForm({ ...layer, density: 0.95 }).reason).toBe("95 % of its entries would still be multiplied");
  });
});

describe("MEASURED_SPEEDUPS", () => {
  it("never expects more than the entries that are left out, against f32", () => {
    for (const row of MEASURED_SPEEDUPS.filter(({ values }) => values === "f32")) {
      // One row of input: the smaller weight also fits into a cache that the dense one does not.
      for (const speedup of row.speedup.slice(1)) expect(speedup).toBeLessThanOrEqual(1 / row.density);
    }
  });
});

describe("lowerBlocks by the rules", () => {
  const wide = (rows: number | string) => {
    const cut = { inFeatures: 512, outChannels: 1024, bk: 32, bn: 256, density: 0.5 };
    return decodeModel(
      buildModel({
        nodes: [node("MatMul", ["x", "W"], ["y"])],
        initializers: [tensor("W", [512, 1024], blockMatrix(cut))],
        inputs: [valueInfo("x", "float32", ["batch", rows, 512])],
        outputs: [valueInfo("y", "float32", ["batch", rows, 1024])],
      }),
    );
  };
  const blocks = { bk: 32, bn: 256 };

  it("takes the rows from the model's declarations, or from the caller", () => {
    expect(lowerBlocks(wide(128), { blocks }).report).toMatchObject([{ form: "multi", speedup: 1.3 }]);
    expect(lowerBlocks(wide(1), { blocks }).report).toMatchObject([{ form: "bmm" }]);
    expect(lowerBlocks(wide("tokens"), { blocks }).report).toMatchObject([{ form: "multi", speedup: 1.2 }]);
    expect(lowerBlocks(wide(128), { blocks, rows: 1 }).report).toMatchObject([{ form: "bmm" }]);
  });

  it("hands every layer and the rule's choice to a caller who decides", () => {
    const seen: unknown[] = [];
    const { report } = lowerBlocks(wide(128), {
      blocks,
      choose: (one, byRule) => {
        seen.push([one.weight, one.forms, byRule.form]);
        return { form: "bmm", reason: "1.9 times as fast here", speedup: 1.9 };
      },
    });
    expect(seen).toEqual([["W", ["multi", "bmm"], "multi"]]);
    expect(report).toMatchObject([{ form: "bmm", reason: "1.9 times as fast here", speedup: 1.9 }]);
  });
});
