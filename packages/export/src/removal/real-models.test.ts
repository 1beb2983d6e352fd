import { readFileSync } from "node:fs";
import { computeMasks, l1, rows } from "@espalier/core";
import { applyMasks, removeZeroChannels } from "@espalier/export";
import { decodeModel, encodeModel, type Model, prunableWeights } from "@espalier/onnx";
import { buildUseLite, ocrModelPath, tokenBatch } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectSameOutputs, floats } from "../../test-support/block-models.js";

/** The model with 30 % of the out channels of every weight zero. */
function withoutRows(model: Model): Model {
  const weights = prunableWeights(model).filter((weight) => weight.prunable && weight.axisConflict === undefined);
  const [criterion, pattern] = [l1(), rows(0.3)];
  const masks = new Map(
    [...computeMasks(weights as never, { criterion, pattern })].map(([name, { mask }]) => [name, mask]),
  );
  return applyMasks(model, weights as never, masks, { tool: "test 1.0", criterion, pattern });
}

const node = [{ backend: "node", optimization: "all" }] as const;

describe("removeZeroChannels on trained models", () => {
  it("removes channels of a text recogniser through depthwise convolutions, and it reads the same", async () => {
    const pruned = withoutRows(decodeModel(readFileSync(ocrModelPath("recognition"))));
    const { model, report } = removeZeroChannels(pruned);
    const small = decodeModel(encodeModel(model));
    expect(report.filter(({ removed }) => removed > 0).length).toBeGreaterThan(15);
    expect(encodeModel(small).length).toBeLessThan(0.8 * encodeModel(pruned).length);
    // 38 convolutions behind one another on noise, then a Softmax: of one model the runtime's levels differ by 2.5e-4.
    await expectSameOutputs([pruned, small], { x: floats([1, 3, 48, 160]) }, 1e-3, node);
  });

  it("removes hidden units of a text encoder, and it embeds the same", async () => {
    const pruned = withoutRows(decodeModel(buildUseLite()));
    const { model, report } = removeZeroChannels(pruned);
    expect(report.filter(({ removed }) => removed > 0)).toMatchObject([{ channels: 1536 }, { channels: 1536 }]);
    const feeds = { ...tokenBatch(["A short text.", "Another one, which is a little longer."]) };
    await expectSameOutputs([pruned, decodeModel(encodeModel(model))], feeds, 1e-5, node);
  });
});
