import { type PrunableWeight, prunableWeights, readModel } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { ocrModelPath, random, tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
// Built, because workers run what is built.
import { type Decide, runStages, type StageReport } from "../../dist/stages/run-stages.js";

const OPTIONS = { batch: 8, threads: 2, memory: 1e8, heldBack: 2, cross: true };

const weightsOf = (model: ReturnType<typeof readModel>): readonly PrunableWeight[] =>
  prunableWeights(model).filter((one) => one.prunable);

/** Nodes of the main graph that compute something. */
const nodesOf = (model: ReturnType<typeof readModel>): number =>
  model.proto.graph!.node.filter(({ opType }) => opType !== "Constant").length;

const total = ({ stages }: StageReport): number => stages.reduce((sum, { nodes }) => sum + nodes, 0);

const halved: Decide = async (one) => ({ values: one.read().map((value, index) => (index % 2 ? value : 0)) });

describe("runStages, on USE-lite", () => {
  const model = readModel(useLitePath());
  const weights = weightsOf(model);
  const texts = wordnetGlosses().calibration.slice(0, 48);
  const samples: Sample[] = [0, 16, 32].map((first) =>
    tokenBatch(texts.slice(first, first + 16).map(({ text }) => text)),
  );
  const tokens = (sample: Sample): number =>
    (sample.attention_mask!.data as BigInt64Array).filter((one) => one === 1n).length;

  it("decides 10 weights in 9 stages, and runs no node of either model twice", async () => {
    const counts = new Map<string, readonly number[]>();
    const report = await runStages(
      model,
      model,
      weights,
      { ...OPTIONS, samples, mask: "attention_mask" },
      async (one, inputs) => {
        const { fit, held } = inputs;
        counts.set(one.name, [fit[0]!.count, held[0]!.count]);
        expect(fit[0]!.cross !== undefined).toBe(
          !["layer0/attention/qkv/weight", "layer0/residual/weight"].includes(one.name),
        );
        return halved(one, inputs);
      },
    );
    expect(report.unsupported).toEqual([]);
    expect(report.stages.map(({ weights: decided }) => decided.map(({ name }) => name))).toEqual([
      ["layer0/attention/qkv/weight", "layer0/residual/weight"],
      ["layer0/attention/output/weight"],
      ["layer0/ffn/up/weight"],
      ["layer0/ffn/down/weight"],
      ["layer1/attention/qkv/weight"],
      ["layer1/attention/output/weight"],
      ["layer1/ffn/up/weight"],
      ["layer1/ffn/down/weight"],
      ["head/weight"],
    ]);
    expect(total(report)).toBeLessThanOrEqual(2 * nodesOf(model));
    // What stands behind the last weight is not run at all, so that it is most of the nodes but not all.
    expect(total(report)).toBeGreaterThan(1.5 * nodesOf(model));
    const perToken = [0, 2].reduce((sum, index) => sum + tokens(samples[index]!), 0);
    for (const { name } of weights) {
      expect([name, counts.get(name)]).toEqual([
        name,
        name === "head/weight" ? [32, 16] : [perToken, tokens(samples[1]!)],
      ]);
    }
  });

  it("runs one model where the dense one is not asked for", async () => {
    const report = await runStages(model, model, weights, { ...OPTIONS, samples, cross: false }, halved);
    expect(total(report)).toBeLessThanOrEqual(nodesOf(model));
  });
});

describe("runStages, on PP-OCR recognition", () => {
  it("decides every weight that can be laid out, and runs no node of either model twice", async () => {
    const model = readModel(ocrModelPath("recognition"));
    const weights = weightsOf(model);
    const samples = Array.from({ length: 2 }, (): Sample => {
      return { x: { dtype: "float32", dims: [1, 3, 48, 64], data: random(3).float32(3 * 48 * 64) } };
    });
    const decided: string[] = [];
    const options = { ...OPTIONS, batch: 1, heldBack: 0, samples };
    const report = await runStages(model, model, weights, options, async (one, { fit, held }) => {
      decided.push(one.name);
      expect(held).toEqual([]);
      expect(fit).toHaveLength(one.groups);
      expect(fit[0]!.gram).toHaveLength(one.inFeatures ** 2);
      return { values: one.read().map((value) => value * 0.99) };
    });
    expect(report.unsupported).toEqual([]);
    expect(decided.sort()).toEqual(weights.map(({ name }) => name).sort());
    expect(total(report)).toBeLessThanOrEqual(2 * nodesOf(model));
  });
});
