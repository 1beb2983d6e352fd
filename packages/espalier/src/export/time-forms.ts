import { matrixLayout } from "@espalier/core";
import { type BlockLayer, lowerBlocks } from "@espalier/export";
import {
  buildModel,
  decodeModel,
  encodeModel,
  type Model,
  makeNode,
  makeValueInfo,
  type PrunableWeight,
  TensorProto_DataType,
} from "@espalier/onnx";
import { openRunner, type RunnerOptions, randomFeeds, spreadOf } from "@espalier/runtime";

/** Turns of every form: one product takes a millisecond, and the median of so many moves by some hundredths. */
const TURNS = 25;
/** Turns before them: first runs touch memory and, as WebAssembly, are compiled. */
const WARM_UP = 3;

/** How fast one form of a layer is. */
export interface TimedForm {
  readonly form: BlockLayer["forms"][number];
  /** Median time of the dense product / median time of this form. */
  readonly speedup: number;
}

/**
 * Times a product on its own, dense and in each of its forms, in turns and on one thread.
 *
 * @param weight of a MatMul or Gemm, as the layer describes it
 * @param rows that are multiplied in one run
 * @throws {RunnerError} when the backend is missing
 */
export async function timeForms(
  weight: PrunableWeight,
  layer: BlockLayer,
  rows: number,
  options: RunnerOptions,
): Promise<readonly TimedForm[]> {
  const dense = productModel(weight, rows);
  const { blocks, target, values } = layer;
  const lowered = layer.forms.map(
    (form) => lowerBlocks(dense, { blocks, target, values, rows, choose: () => form }).model,
  );
  const runners = await Promise.all([dense, ...lowered].map((model) => openRunner(encodeModel(model), options)));
  try {
    const feeds = randomFeeds(runners[0]!.inputs, { seed: 0 });
    const times = runners.map((): number[] => []);
    for (let turn = -WARM_UP; turn < TURNS; turn++) {
      for (const [index, runner] of runners.entries()) {
        const start = performance.now();
        await runner.run(feeds);
        if (turn >= 0) times[index]!.push(performance.now() - start);
      }
    }
    const [before, ...after] = times.map((all) => spreadOf(all).median);
    return layer.forms.map((form, index) => ({ form, speedup: before! / after[index]! }));
  } finally {
    await Promise.all(runners.map((runner) => runner.close()));
  }
}

/** x [rows, inFeatures] · weight [inFeatures, outChannels]. */
function productModel(weight: PrunableWeight, rows: number): Model {
  const { outChannels, inFeatures } = weight;
  const dims = [inFeatures, outChannels];
  const matrix = { name: "weight", dataType: TensorProto_DataType.FLOAT, dims, data: () => bytesOf(weight) };
  const { FLOAT } = TensorProto_DataType;
  const model = buildModel({
    nodes: [makeNode("MatMul", ["x", "weight"], ["y"])],
    initializers: [matrix],
    inputs: [makeValueInfo("x", FLOAT, [rows, inFeatures])],
    outputs: [makeValueInfo("y", FLOAT, [rows, outChannels])],
    opsets: new Map([["", 17]]),
  });
  return decodeModel(encodeModel(model));
}

function bytesOf(weight: PrunableWeight): Uint8Array {
  const { outChannels, inFeatures } = weight;
  const values = weight.read();
  const { outOffsets, featureOffsets } = matrixLayout(weight);
  const matrix = new Float32Array(inFeatures * outChannels);
  for (let feature = 0; feature < inFeatures; feature++) {
    for (let out = 0; out < outChannels; out++) {
      matrix[feature * outChannels + out] = values[outOffsets[out]! + featureOffsets[feature]!]!;
    }
  }
  return new Uint8Array(matrix.buffer);
}
