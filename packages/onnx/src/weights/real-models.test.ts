import { decodeModel, type PrunableWeight, prunableWeights, readModel, type Weight } from "@espalier/onnx";
import { buildUseLite, type OcrModel, ocrModelPath } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

interface Count {
  readonly conv: number;
  readonly grouped: number;
  readonly convTranspose: number;
  readonly matMul: number;
  readonly entries: number;
}

function countOf(weights: readonly Weight[]): Count {
  const prunable = weights.filter((weight) => weight.prunable);
  const read = (op: string) => prunable.filter(({ consumers }) => consumers[0]!.op === op);
  const entries = ({ shape }: PrunableWeight) => shape.reduce((product, size) => product * size, 1);
  return {
    conv: read("Conv").length,
    grouped: read("Conv").filter(({ groups }) => groups > 1).length,
    convTranspose: read("ConvTranspose").length,
    matMul: read("MatMul").length,
    entries: prunable.reduce((sum, weight) => sum + entries(weight), 0),
  };
}

describe("prunableWeights of real models", () => {
  const models: [OcrModel, Count][] = [
    ["recognition", { conv: 38, grouped: 14, convTranspose: 0, matMul: 9, entries: 2_669_672 }],
    ["detection", { conv: 62, grouped: 14, convTranspose: 2, matMul: 0, entries: 1_164_320 }],
    ["classification", { conv: 53, grouped: 11, convTranspose: 0, matMul: 1, entries: 124_072 }],
  ];
  it.each(models)("finds the weights of PP-OCR %s, all in Constant nodes", (model, count) => {
    const opened = readModel(ocrModelPath(model));
    const weights = prunableWeights(opened);
    expect(countOf(weights)).toEqual(count);
    expect(weights.filter((weight) => weight.prunable).every((weight) => weight.axisConflict === undefined)).toBe(true);
    expect(opened.proto.graph?.initializer.length).toBe(0);
  });

  it("finds the 10 weights of USE-lite and leaves the embedding to its Gather", () => {
    const weights = prunableWeights(decodeModel(buildUseLite()));
    expect(countOf(weights)).toEqual({ conv: 0, grouped: 0, convTranspose: 0, matMul: 10, entries: 4_915_200 });
    const embedding = weights.find(({ shape }) => shape[0] === 8002);
    expect(embedding).toMatchObject({
      prunable: false,
      reason: expect.stringMatching(/^read by Gather .*, which is not a linear operator$/),
    });
  });

  it("reads every weight as finite numbers, as many as its axes factor", () => {
    for (const weight of prunableWeights(readModel(ocrModelPath("classification")))) {
      if (!weight.prunable) continue;
      const values = weight.read();
      expect(values.length).toBe(weight.axes.reduce((product, { size }) => product * size, 1));
      expect(values.length).toBe(weight.outChannels * weight.inFeatures);
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});
