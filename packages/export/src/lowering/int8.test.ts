import { type LoweredForm, lowerBlocks } from "@espalier/export";
import { decodeModel, encodeModel, type Model } from "@espalier/onnx";
import type { Tensor } from "@espalier/runtime";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import {
  type BlockMatrix,
  blockMatrix,
  EXECUTIONS,
  expectSameOutputs,
  floats,
  outputsOf,
} from "../../test-support/block-models.js";

const RAGGED: BlockMatrix = { inFeatures: 150, outChannels: 80, bk: 16, bn: 32, density: 0.5 };
const EVEN: BlockMatrix = { inFeatures: 128, outChannels: 96, bk: 16, bn: 32, density: 0.5 };

/** How the bias of the product is written. */
type Bias = "none" | "add" | "gemm";

const values = (tensor: Tensor) => tensor.data as Float32Array;

function product(cut: BlockMatrix, bias: Bias): Model {
  const { inFeatures, outChannels } = cut;
  const nodes = {
    none: [node("MatMul", ["x", "W"], ["y"])],
    add: [node("MatMul", ["x", "W"], ["h"]), node("Add", ["B", "h"], ["y"])],
    gemm: [node("Gemm", ["x", "W", "B"], ["y"])],
  };
  const lead = bias === "gemm" ? ["rows"] : ["batch", "seq"];
  return decodeModel(
    buildModel({
      nodes: nodes[bias],
      initializers: [
        tensor("W", [inFeatures, outChannels], blockMatrix(cut)),
        ...(bias === "none" ? [] : [tensor("B", [outChannels], values(floats([outChannels], 9)) as Float32Array)]),
      ],
      inputs: [valueInfo("x", "float32", [...lead, inFeatures])],
      outputs: [valueInfo("y", "float32", [...lead, outChannels])],
    }),
  );
}

/** The same product in dense dynamic quantisation, written down with plain loops: one scale per out channel, max / 127. */
function denseInt8(cut: BlockMatrix, bias: Bias): Model {
  const { inFeatures, outChannels } = cut;
  const w = blockMatrix(cut);
  const scales = new Float32Array(outChannels);
  for (let at = 0; at < w.length; at++) {
    const out = at % outChannels;
    scales[out] = Math.max(scales[out]!, Math.abs(w[at]!));
  }
  for (let out = 0; out < outChannels; out++) scales[out] = scales[out]! / 127 || 1;
  const integers = Int8Array.from(w, (value, at) => Math.round(value / scales[at % outChannels]!));
  const parts = product(cut, bias).proto.graph!;
  return decodeModel(
    buildModel({
      nodes: [
        node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        node("MatMulInteger", ["q", "W", "z"], ["i"]),
        node("Cast", ["i"], ["f"], { to: 1 }),
        node("Mul", ["s", "S"], ["sS"]),
        node("Mul", ["f", "sS"], [bias === "none" ? "y" : "d"]),
        ...(bias === "none" ? [] : [node("Add", ["d", "B"], ["y"])]),
      ],
      initializers: [
        tensor("W", [inFeatures, outChannels], integers),
        tensor("S", [outChannels], scales),
        ...(bias === "none" ? [] : [tensor("B", [outChannels], values(floats([outChannels], 9)) as Float32Array)]),
      ],
      inputs: parts.input,
      outputs: parts.output,
    }),
  );
}

function lowered(model: Model, form: LoweredForm): Model {
  const result = lowerBlocks(model, { blocks: { bk: 16, bn: 32 }, values: "int8", choose: () => form });
  expect(result.report.map((weight) => weight.form)).toEqual([form]);
  return decodeModel(encodeModel(result.model));
}

describe("lowerBlocks with int8 values", () => {
  for (const form of ["multi", "bmm"] as const) {
    it.each([
      ["even blocks", EVEN],
      ["ragged blocks", RAGGED],
    ])(`equals dense dynamic quantisation exactly as ${form}: %s`, async (_, cut) => {
      const pair = [denseInt8(cut, "none"), lowered(product(cut, "none"), form)] as const;
      for (const rows of [1, 16, 128]) await expectSameOutputs(pair, { x: floats([1, rows, cut.inFeatures]) }, 0);
    });

    it.each(["add", "gemm"] as const)(`adds the bias of a %s inside the product as ${form}`, async (bias) => {
      const small = lowered(product(RAGGED, bias), form);
      const dims = bias === "gemm" ? [16, 150] : [2, 8, 150];
      const exact = EXECUTIONS.filter(({ optimization }) => optimization === "disabled");
      await expectSameOutputs([denseInt8(RAGGED, bias), small], { x: floats(dims) }, 0, exact);
      // ONNX Runtime's fused kernel rounds product and sum together, once: half a unit in the last place, 2⁻²⁴.
      await expectSameOutputs([denseInt8(RAGGED, bias), small], { x: floats(dims) }, 2 ** -23);
      const adds = small.proto.graph!.node.filter(({ opType }) => opType === "Add");
      expect(adds.map(({ input }) => input.includes("B"))).not.toContain(true);
    });
  }

  it("gives a channel of zeros the scale 1 and exact zeros", async () => {
    const w = blockMatrix(EVEN);
    for (let at = 5; at < w.length; at += 96) w[at] = 0;
    const parts = product(EVEN, "none").proto.graph!;
    const model = decodeModel(
      buildModel({
        nodes: parts.node,
        initializers: [tensor("W", [128, 96], w)],
        inputs: parts.input,
        outputs: parts.output,
      }),
    );
    const { y } = await outputsOf(lowered(model, "multi"), { x: floats([1, 2, 128]) }, EXECUTIONS[0]!);
    expect([values(y!)[5], values(y!)[96 + 5]]).toEqual([0, 0]);
  });

  it("leaves a weight with infinite entries as it is", () => {
    const w = blockMatrix(EVEN);
    w[w.findIndex((value) => value !== 0)] = Number.POSITIVE_INFINITY;
    const parts = product(EVEN, "none").proto.graph!;
    const model = decodeModel(
      buildModel({
        nodes: parts.node,
        initializers: [tensor("W", [128, 96], w)],
        inputs: parts.input,
        outputs: parts.output,
      }),
    );
    const result = lowerBlocks(model, { blocks: { bk: 16, bn: 32 }, values: "int8", choose: () => "multi" });
    expect(result.report[0]).toMatchObject({ form: "dense", reason: "it has entries that are not finite" });
    expect(result.model).toBe(model);
  });
});
