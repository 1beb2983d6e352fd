import { readFileSync } from "node:fs";
import {
  appendToGraph,
  decodeModel,
  encodeModel,
  type Model,
  makeValueInfo,
  type PrunableWeight,
  prunableWeights,
  TensorProto_DataType,
} from "@espalier/onnx";
import { openRunner, type Sample } from "@espalier/runtime";
import { type OcrModel, ocrModelPath, random, tokenBatch, useLitePath } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectClose, float32, measuredRun } from "../../test-support/measured-run.js";
import { nodeReference, otherFactor } from "../../test-support/node-reference.js";
import type { InstrumentOptions } from "./index.js";

/** All weights are float32 tensors whose consumers read them directly, so that their shape says the kernel. */
async function checkAll(model: Model, feeds: Sample, options: InstrumentOptions = {}): Promise<void> {
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const { weights: measured, instrumentation } = await measuredRun(model, feeds, options);
  expect(instrumentation.unsupported).toEqual([]);
  const raw = await rawInputs(model, weights, feeds);
  for (const weight of weights) {
    const consumer = weight.consumers[0]!;
    expect(weight.consumers).toHaveLength(1);
    const reference = nodeReference(weight, consumer, raw[otherFactor(consumer)]!, weight.shape.slice(2));
    const found = measured.get(weight.name)!;
    expect([weight.name, found.count]).toEqual([weight.name, reference.count]);
    expectClose(found.sums, reference.sums, reference.sums);
  }
}

/** The inputs of the nodes that read weights, as outputs of the model. */
async function rawInputs(model: Model, weights: readonly PrunableWeight[], feeds: Sample) {
  const own = new Set([...model.proto.graph!.output, ...model.proto.graph!.input].map(({ name }) => name));
  const names = new Set(weights.map(({ consumers }) => otherFactor(consumers[0]!)));
  const outputs = [...names]
    .filter((name) => !own.has(name))
    .map((name) => makeValueInfo(name, TensorProto_DataType.FLOAT));
  const runner = await openRunner(encodeModel(appendToGraph(model, { outputs })));
  const results = await runner.run(feeds);
  await runner.close();
  return { ...feeds, ...results };
}

function image(dims: readonly number[]): Sample {
  return { x: float32(dims, random(5).float32(dims.reduce((all, size) => all * size, 1))) };
}

describe("instrument on real models", () => {
  const images: readonly (readonly [OcrModel, readonly number[]])[] = [
    ["recognition", [2, 3, 48, 64]],
    ["detection", [1, 3, 64, 96]],
    ["classification", [2, 3, 48, 80]],
  ];
  for (const [name, dims] of images) {
    for (const blocked of [false, true]) {
      it(`measures every weight of PP-OCR ${name}${blocked ? ", blocks of channels" : ""}, and changes none of its outputs`, async () => {
        await checkAll(decodeModel(readFileSync(ocrModelPath(name))), image(dims), { blocked });
      });
    }
  }

  it("measures every weight of USE-lite, with and without padding", async () => {
    const model = decodeModel(readFileSync(useLitePath()));
    const feeds = tokenBatch(["A short one.", "How old are you, and who wants to know?"]);
    await checkAll(model, feeds);
    const kept = feeds.attention_mask.data.filter((bit) => bit !== 0n).length;
    expect(kept).toBeLessThan(feeds.attention_mask.data.length);
    const { weights, instrumentation } = await measuredRun(model, feeds, { mask: "attention_mask" });
    expect(instrumentation.unsupported).toEqual([]);
    const counts = [...weights].map(([name, { count }]) => [name, count]);
    const [last] = counts.slice(-1);
    // All see tokens but the last, which sees what was pooled.
    expect(counts.slice(0, -1).map(([, count]) => count)).toEqual(Array(counts.length - 1).fill(kept));
    expect(last![1]).toBe(2);
  });
});
