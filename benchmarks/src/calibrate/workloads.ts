import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sample } from "@espalier/runtime";
import { buildModel, node, random, tensor, valueInfo, writeSyntheticTransformer } from "@espalier/testkit";

/** A model on disk and samples for it. */
export interface Workload {
  readonly path: string;
  readonly samples: readonly Sample[];
}

/** Four layers, 768 wide, 3072 in the feed-forward part; 113 MB. */
const TRANSFORMER = { layers: 4, width: 768, ffn: 3072, heads: 12 };

/** A transformer whose samples are `seq` positions of noise each. */
export function transformer(folder: string, seq: number, count: number): Workload {
  const own = join(folder, `transformer-${seq}`);
  mkdirSync(own, { recursive: true });
  const path = writeSyntheticTransformer(own, { ...TRANSFORMER, seq });
  return { path, samples: noise("x", [1, seq, TRANSFORMER.width], count) };
}

const CHANNELS = 64;
const SIDE = 56;
const LAYERS = 6;

/** Six 3×3 convolutions of 64 channels over 56 × 56 pixels, a Relu behind each. */
export function convNetwork(folder: string, count: number): Workload {
  const { float32 } = random(5);
  const weights = Array.from({ length: LAYERS }, (_, layer) => {
    // Keeps the variance: each output sums 9 · 64 products, and Relu halves it.
    const values = float32(CHANNELS * CHANNELS * 9).map((value) => value * Math.sqrt(2 / (9 * CHANNELS)));
    return tensor(`conv${layer}/weight`, [CHANNELS, CHANNELS, 3, 3], values);
  });
  const nodes = weights.flatMap((_, layer) => [
    node("Conv", [layer === 0 ? "x" : `relu${layer - 1}`, `conv${layer}/weight`], [`conv${layer}`], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
    }),
    node("Relu", [`conv${layer}`], [`relu${layer}`]),
  ]);
  const dims = ["batch", CHANNELS, SIDE, SIDE];
  const path = join(folder, "conv.onnx");
  const inputs = [valueInfo("x", "float32", dims)];
  const outputs = [valueInfo(`relu${LAYERS - 1}`, "float32", dims)];
  writeFileSync(path, buildModel({ nodes, initializers: weights, inputs, outputs }));
  return { path, samples: noise("x", [1, CHANNELS, SIDE, SIDE], count) };
}

/** A few samples of noise over and over, so that the source costs nothing. */
function noise(input: string, dims: readonly number[], count: number): Sample[] {
  const { float32 } = random(9);
  const length = dims.reduce((product, size) => product * size, 1);
  const few = Array.from({ length: 8 }, (): Sample => ({ [input]: { dtype: "float32", dims, data: float32(length) } }));
  return Array.from({ length: count }, (_, index) => few[index % few.length]!);
}
