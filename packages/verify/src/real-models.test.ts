import { block, computeMasks, l1, nm, type Pattern, unstructured } from "@espalier/core";
import { applyMasks } from "@espalier/export";
import { decodeModel, encodeModel, type Model, type PrunableWeight, prunableWeights, readModel } from "@espalier/onnx";
import { ocrModelPath, useLitePath } from "@espalier/testkit";
import { formatVerification, verifyPruned } from "@espalier/verify";
import { describe, expect, it } from "vitest";

function prune(model: Model, pattern: Pattern): Model {
  const weights = prunableWeights(model).filter(
    (weight): weight is PrunableWeight => weight.prunable && pattern.eligibility(weight) === undefined,
  );
  const chosen = computeMasks(weights, { criterion: l1(), pattern });
  const masks = new Map([...chosen].map(([name, { mask }]) => [name, mask]));
  return decodeModel(encodeModel(applyMasks(model, weights, masks, { tool: "test 1.0", criterion: l1(), pattern })));
}

describe("verifyPruned on trained models", () => {
  it.each([
    ["2:4", nm(2, 4), 0.5],
    ["30 % of each layer", unstructured(0.3), 0.3],
    ["blocks of 16 by 4", block(16, 4, 0.5), 0.5],
  ])("passes the transformer USE-lite, weights in initializers: %s", async (_, pattern, minSparsity) => {
    const path = useLitePath();
    const original = readModel(path);
    const verification = await verifyPruned({
      original,
      originalSource: path,
      pruned: prune(original, pattern),
      minSparsity,
    });
    expect(verification.checks.filter(({ status }) => status === "failed")).toEqual([]);
    expect(formatVerification(verification)).toMatch(/\npattern: 10 weights conform to .*\n/);
  });

  it("passes the PP-OCR classifier, weights in Constant nodes, many with channels that no 2:4 divides", async () => {
    const original = readModel(ocrModelPath("classification"));
    for (const pattern of [nm(2, 4), unstructured(0.5, { group: "model" })]) {
      const { checks } = await verifyPruned({ original, pruned: prune(original, pattern), minSparsity: 0.5 });
      expect(checks.filter(({ status }) => status === "failed")).toEqual([]);
      expect(checks.map(({ status }) => status)).toEqual([...Array(7).fill("passed"), "skipped"]);
    }
  });
});
