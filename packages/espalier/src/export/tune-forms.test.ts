import type { BlockLayer } from "@espalier/export";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { balancedBlocks, exportModel, l1, prune } from "espalier";
import { describe, expect, it } from "vitest";
import { fastest } from "./tune-forms.js";

const layer: BlockLayer = {
  weight: "w",
  blocks: { bk: 32, bn: 256 },
  op: "product",
  outChannels: 3072,
  inFeatures: 768,
  positions: 1,
  unit: 32,
  width: 256,
  runs: 12,
  density: 0.5,
  rows: undefined,
  target: "ort-node",
  values: "f32",
  forms: ["multi", "bmm"],
};
const timed = (multi: number, bmm: number) => [
  { form: "multi", speedup: multi } as const,
  { form: "bmm", speedup: bmm } as const,
];

describe("fastest", () => {
  it("takes the form whose slowest case is the fastest", () => {
    // multi is the faster one at 128 rows and on average, bmm where it is slowest.
    const choice = fastest(layer, [timed(1.1, 1.5), timed(2.6, 1.4)], [1, 128]);
    expect(choice).toMatchObject({ form: "bmm", speedup: 1.4 });
    expect(choice.reason).toBe(
      "timed here: multi 1.10, bmm 1.40 times as fast as dense, the slowest of 1, 128 rows, f32, ort-node",
    );
  });

  it("stays dense where a gain might be noise", () => {
    expect(fastest(layer, [timed(1.04, 0.9)], [16])).toMatchObject({
      form: "dense",
      reason: "timed here, no form is faster than dense: multi 1.04, bmm 0.90 times as fast, 16 rows, f32, ort-node",
    });
  });
});

describe("exportModel with tune", () => {
  const dense = buildModel({
    nodes: [
      node("Gemm", ["x", "w"], ["h"], { transB: 1 }),
      node("Relu", ["h"], ["a"]),
      node("MatMul", ["a", "v"], ["y"]),
    ],
    initializers: [
      tensor("w", [1024, 512], random(3).float32(1024 * 512)),
      tensor("v", [1024, 8], random(4).float32(1024 * 8)),
    ],
    inputs: [valueInfo("x", "float32", [64, 512])],
    outputs: [valueInfo("y", "float32", [64, 8])],
  });
  const blocked = async () =>
    (await prune(dense, { criterion: l1(), pattern: balancedBlocks(32, 256, 0.75), include: ["w"] })).toBytes();

  it.each(["ort-node", "ort-web"] as const)(
    "times every form of a product with the backend of %s, and says so",
    async (target) => {
      const { report } = await exportModel(await blocked(), { target, tune: true, include: ["w"] });
      expect(report.weights[0]!.reason).toMatch(
        /timed here.*multi \d+\.\d\d, bmm \d+\.\d\d times as fast.*64 rows, f32/,
      );
      expect(report.check.outputDistance).toBeLessThan(1e-4);
    },
  );

  it("refuses tuning where nothing is lowered", async () => {
    const refused = { code: "usage", message: expect.stringMatching(/tune and rows/) };
    await expect(exportModel(await blocked(), { tune: true, format: "nm" })).rejects.toMatchObject(refused);
    await expect(exportModel(await blocked(), { rows: 8, target: "tensorrt" })).rejects.toMatchObject(refused);
  });
});
