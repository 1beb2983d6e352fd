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
const SIDE = 112;
const LAYERS = 6;

/** Six 3×3 convolutions with a Relu behind each: from 3 × 112 × 112 pixels with stride 2 to 64 channels, which it keeps. */
export function convNetwork(folder: string, count: number): Workload {
  const { float32 } = random(5);
  const layers = Array.from({ length: LAYERS }, (_, layer) => ({
    name: `conv${layer}`,
    inputs: layer === 0 ? 3 : CHANNELS,
    layer,
  }));
  const initializers = layers.map(({ name, inputs }) => {
    // Keeps the variance: each output sums 9 products for every input channel, and Relu halves it.
    const values = float32(CHANNELS * inputs * 9).map((value) => value * Math.sqrt(2 / (9 * inputs)));
    return tensor(`${name}/weight`, [CHANNELS, inputs, 3, 3], values);
  });
  const nodes = layers.flatMap(({ name, layer }) => {
    const stride = layer === 0 ? 2 : 1;
    const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [stride, stride] };
    const input = layer === 0 ? "x" : `conv${layer - 1}/relu`;
    return [node("Conv", [input, `${name}/weight`], [name], attributes), node("Relu", [name], [`${name}/relu`])];
  });
  const path = join(folder, "conv.onnx");
  const inputs = [valueInfo("x", "float32", ["batch", 3, SIDE, SIDE])];
  const outputs = [valueInfo(`conv${LAYERS - 1}/relu`, "float32", ["batch", CHANNELS, SIDE / 2, SIDE / 2])];
  writeFileSync(path, buildModel({ nodes, initializers, inputs, outputs }));
  return { path, samples: noise("x", [1, 3, SIDE, SIDE], count) };
}

/** A few samples of noise over and over, so that the source costs nothing. */
function noise(input: string, dims: readonly number[], count: number): Sample[] {
  const { float32 } = random(9);
  const length = dims.reduce((product, size) => product * size, 1);
  const few = Array.from({ length: 8 }, (): Sample => ({ [input]: { dtype: "float32", dims, data: float32(length) } }));
  return Array.from({ length: count }, (_, index) => few[index % few.length]!);
}
