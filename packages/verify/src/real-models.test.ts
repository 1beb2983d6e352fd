import {
  allocatePattern,
  block,
  computeMasks,
  l1,
  nm,
  nnz,
  type Pattern,
  parseAllocation,
  prunedCount,
  unstructured,
} from "@espalier/core";
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

  it("passes USE-lite with one sparsity divided by a global ranking, and all that stays changed on purpose", async () => {
    const path = useLitePath();
    const original = readModel(path);
    const weights = prunableWeights(original).filter((weight): weight is PrunableWeight => weight.prunable);
    const byName = new Map(weights.map((weight) => [weight.name, weight]));
    const pattern = unstructured(0.5, { group: "layer" });
    const importance = (name: string) => l1().score(byName.get(name)!, byName.get(name)!.read());
    const patterns = allocatePattern(weights, {
      pattern,
      strategy: parseAllocation("global"),
      evidence: { importance },
    });
    const masks = new Map(
      weights.map((weight) => {
        const request = { criterion: l1(), pattern: patterns.get(weight.name)! };
        return [weight.name, computeMasks([weight], request).get(weight.name)!.mask];
      }),
    );
    const [pruned, total] = [...masks.values()].reduce(
      ([zeros, all], mask) => [zeros + mask.length - nnz(mask), all + mask.length],
      [0, 0],
    );
    expect(pruned).toBe(prunedCount(total, 0.5));
    const values = new Map(weights.map((weight) => [weight.name, () => weight.read().map((value) => 1.01 * value)]));
    const sparsities = new Map([...patterns].map(([name, { sparsity }]) => [name, sparsity]));
    expect(Math.max(...sparsities.values()) - Math.min(...sparsities.values())).toBeGreaterThan(0.02);
    const changed = applyMasks(original, weights, masks, {
      ...{ tool: "test 1.0", criterion: l1(), pattern },
      allocation: { name: "global", sparsities },
      recovery: { method: "scale", values },
    });
    const after = decodeModel(encodeModel(changed));
    const verification = await verifyPruned({
      original,
      originalSource: path,
      pruned: after,
      pattern,
      minSparsity: 0.5,
    });
    expect(verification.checks.filter(({ status }) => status === "failed")).toEqual([]);
    expect(formatVerification(verification)).toMatch(
      /\nkept-weights: .* of those kept in 10 weights 100\.0 % changed as recorded/,
    );
  });
});
