import { lowerBlocks } from "@espalier/export";
import { decodeModel, encodeModel, type Model } from "@espalier/onnx";
import { type AttributeValue, buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { blockMatrix, expectSameOutputs, floats, transposed } from "../../test-support/block-models.js";

/** f32 sums of at most 288 products in another order. */
const TOLERANCE = 1e-5;

interface ConvCase {
  readonly kernel: readonly number[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly bias?: boolean;
  /** Input channels of a block. */
  readonly channels?: number;
}

const IN = 32;
const OUT = 40;

/** 32 → 40 channels in block-columns of 16, 16 and 8, each of which reads half of the input channels. */
function conv(
  { kernel, attributes = {}, bias = false, channels = 4 }: ConvCase,
  behind: "nothing" | "norm" = "nothing",
): Model {
  const positions = kernel.reduce((product, size) => product * size, 1);
  const cut = { inFeatures: IN * positions, outChannels: OUT, bk: channels * positions, bn: 16, density: 0.5 };
  const inputs = bias ? ["x", "W", "B"] : ["x", "W"];
  const one = Float32Array.from({ length: OUT }, () => 1);
  const norm = ["scale", "shift", "mean", "variance"];
  const free = kernel.map((_, index) => `size${index}`);
  return decodeModel(
    buildModel({
      nodes:
        behind === "nothing"
          ? [node("Conv", inputs, ["y"], attributes)]
          : [node("Conv", inputs, ["h"], attributes), node("BatchNormalization", ["h", ...norm], ["y"])],
      initializers: [
        tensor("W", [OUT, IN, ...kernel], transposed(blockMatrix(cut), cut.inFeatures)),
        ...(bias ? [tensor("B", [OUT], floats([OUT], 4).data as Float32Array)] : []),
        ...(behind === "norm" ? norm.map((name) => tensor(name, [OUT], one)) : []),
      ],
      inputs: [valueInfo("x", "float32", ["batch", IN, ...free])],
      outputs: [valueInfo("y", "float32", ["batch", OUT, ...free.map((name) => `${name}_out`)])],
    }),
  );
}

function blocksOf({ kernel, channels = 4 }: ConvCase) {
  return { bk: channels * kernel.reduce((product, size) => product * size, 1), bn: 16 };
}

describe("lowerBlocks, a Conv", () => {
  it.each<[string, ConvCase]>([
    ["3×3, padded, with a bias", { kernel: [3, 3], attributes: { pads: [1, 1, 1, 1] }, bias: true }],
    ["3×3 with stride and dilation", { kernel: [3, 3], attributes: { strides: [2, 1], dilations: [1, 2] } }],
    ["1×1", { kernel: [1, 1], bias: true }],
    ["1-D of 5, same size", { kernel: [5], attributes: { auto_pad: "SAME_UPPER", kernel_shape: [5] } }],
    ["3-D", { kernel: [3, 1, 2] }],
  ])("computes the same: %s", async (_, which) => {
    const model = conv(which);
    const { model: small, report } = lowerBlocks(model, { blocks: blocksOf(which), choose: () => "multi" });
    expect(report).toMatchObject([{ form: "multi", density: 0.5 }]);
    const size = which.kernel.map(() => 9);
    await expectSameOutputs([model, decodeModel(encodeModel(small))], { x: floats([2, IN, ...size]) }, TOLERANCE);
  });

  it("takes what all block-columns keep as one smaller Conv, with a BatchNormalization behind it or not", async () => {
    const which: ConvCase = { kernel: [3, 3], bias: true };
    for (const behind of ["nothing", "norm"] as const) {
      const model = conv(which, behind);
      const { model: small, report } = lowerBlocks(model, { blocks: { bk: 36, bn: OUT }, choose: () => "shared" });
      // Three block-columns of one model that together keep other channels than each of them.
      expect(report).toMatchObject([{ form: "shared" }]);
      await expectSameOutputs([model, decodeModel(encodeModel(small))], { x: floats([1, IN, 8, 8]) }, TOLERANCE);
    }
  });

  it("stays dense where several Convs would come before a BatchNormalization", () => {
    const which: ConvCase = { kernel: [3, 3] };
    const { report } = lowerBlocks(conv(which, "norm"), { blocks: blocksOf(which), choose: () => "multi" });
    expect(report[0]).toMatchObject({ form: "dense" });
    expect(report[0]!.reason).toMatch(/BatchNormalization/);
  });

  it("keeps f32 where products are quantised", () => {
    const which: ConvCase = { kernel: [3, 3] };
    const { model } = lowerBlocks(conv(which), { blocks: blocksOf(which), choose: () => "multi", values: "int8" });
    expect(model.proto.graph!.node.map(({ opType }) => opType)).not.toContain("DynamicQuantizeLinear");
  });

  it("gains nothing from blocks that cut through input channels, and says so", () => {
    const { report, model } = lowerBlocks(conv({ kernel: [3, 3] }), { blocks: { bk: 4, bn: OUT } });
    expect(report[0]!.form).toBe("dense");
    expect(model.proto.graph!.node).toHaveLength(1);
  });
});
