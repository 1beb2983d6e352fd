import { removeZeroChannels } from "@espalier/export";
import { decodeModel, encodeModel, type Model, prunableWeights } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { random } from "@espalier/testkit";
import { expectSameOutputs } from "./block-models.js";

/** f32 sums of at most 200 products with some terms in a bias. */
export const TOLERANCE = 1e-5;

/** Random f32 values. */
export function values(count: number, seed: number): Float32Array<ArrayBuffer> {
  return random(seed).float32(count);
}

/** The shapes of a model's weights by name. */
export const shapes = (of: Model) => Object.fromEntries(prunableWeights(of).map(({ name, shape }) => [name, shape]));

/** Removes all channels that can go, and compares the outputs in both runtimes. */
export async function removed(original: Model, feeds: Sample) {
  const { model: small, report } = removeZeroChannels(original, { channelMultiple: 1 });
  const read = decodeModel(encodeModel(small));
  await expectSameOutputs([original, read], feeds, TOLERANCE);
  return { small: read, report };
}
