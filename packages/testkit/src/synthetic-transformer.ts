import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { type GraphWriter, graphWriter, type WeightSupplier } from "./graph-writer.js";
import { buildModel, valueInfo } from "./model-builder.js";
import { type Random, random } from "./random.js";
import { replaceFile } from "./replace-file.js";
import { syntheticChunks } from "./synthetic-weights.js";
import { externalTensor, tensor } from "./tensor-builder.js";
import { addNorm, addTransformerLayer } from "./transformer-layer.js";

/** The sizes of a synthetic transformer. */
export interface SyntheticTransformer {
  readonly layers: number;
  /** Width of input, output and every residual. */
  readonly width: number;
  /** Width between the two products of the feed-forward part. */
  readonly ffn: number;
  /** Attention heads; divides `width`. */
  readonly heads: number;
  /** Positions of the input; a fixed size in the model. */
  readonly seq: number;
  /** @default 1 */
  readonly seed?: number;
}

/** Protobuf messages end at 2 GiB; this leaves room for the graph around the weights. */
const LARGEST_EMBEDDED_BYTES = 2 ** 31 - 2 ** 24;
/** Smaller tensors stay in the model, as other exporters do it. */
const SMALLEST_EXTERNAL_BYTES = 1024;
/** Runtimes can map a tensor into memory only from a page boundary. */
const PAGE = 4096;

/**
 * A synthetic transformer encoder: random weights, so it says something about time, memory and bytes, nothing about
 * quality. Weights are inside the model.
 *
 * Input `x` and output `encoded`, f32 `[batch, seq, width]`; `4 · layers` MatMuls with constant weights, called
 * `layer0/attention/qkv/weight` and the like. The same sizes and seed give the same bytes.
 *
 * @throws {RangeError} when `heads` does not divide `width`, or the weights take more than 2 GB
 */
export function buildSyntheticTransformer(shape: SyntheticTransformer): Uint8Array<ArrayBuffer> {
  return encodeGraph(shape, embeddedWeights(random(shape.seed ?? 1)));
}

/**
 * Writes the same model with its weights in an external data file, `synthetic.onnx.data` beside `synthetic.onnx`. Of
 * any size: memory is 1 MiB of weights. A tensor starts at a multiple of 4096 bytes; one below 1 KiB stays in the model.
 *
 * @param folder where both files go; made when missing, files of that name in it are replaced
 * @returns the path of the model
 * @throws {RangeError} when `heads` does not divide `width`
 */
export function writeSyntheticTransformer(folder: string, shape: SyntheticTransformer): string {
  const path = join(folder, "synthetic.onnx");
  const dataPath = `${path}.data`;
  let model = new Uint8Array();
  replaceFile(dataPath, (temporary) => {
    const file = openSync(temporary, "w");
    try {
      model = encodeGraph(shape, externalWeights(random(shape.seed ?? 1), file, basename(dataPath)));
    } finally {
      closeSync(file);
    }
  });
  replaceFile(path, (temporary) => writeFileSync(temporary, model));
  return path;
}

function encodeGraph(shape: SyntheticTransformer, supply: WeightSupplier): Uint8Array<ArrayBuffer> {
  const { seq, width, heads } = shape;
  if (width % heads !== 0) throw new RangeError(`synthetic transformer: ${heads} heads do not divide width ${width}`);
  const writer = graphWriter(supply);
  addNorm(writer, "encoded", addLayers(writer, shape), width);
  return buildModel({
    name: "synthetic_transformer",
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: [valueInfo("x", "float32", ["batch", seq, width])],
    outputs: [valueInfo("encoded", "float32", ["batch", seq, width])],
  });
}

function addLayers(writer: GraphWriter, { layers, width, ffn, heads }: SyntheticTransformer): string {
  let x = "x";
  for (let layer = 0; layer < layers; layer++) {
    x = addTransformerLayer(writer, `layer${layer}`, x, { inputWidth: width, width, ffn, heads });
  }
  return x;
}

function embeddedWeights(stream: Random): WeightSupplier {
  let total = 0;
  return (name, dims) => {
    const bytes = byteLength(dims);
    total += bytes;
    if (total > LARGEST_EMBEDDED_BYTES) {
      throw new RangeError("synthetic transformer: more than 2 GB of weights; use writeSyntheticTransformer");
    }
    return tensor(name, dims, embeddedValues(name, dims, stream));
  };
}

function embeddedValues(name: string, dims: readonly number[], stream: Random): Float32Array {
  const values = new Float32Array(byteLength(dims) / 4);
  let filled = 0;
  for (const chunk of syntheticChunks(name, dims, stream)) {
    values.set(chunk, filled);
    filled += chunk.length;
  }
  return values;
}

function externalWeights(stream: Random, file: number, location: string): WeightSupplier {
  let end = 0;
  return (name, dims) => {
    const length = byteLength(dims);
    if (length < SMALLEST_EXTERNAL_BYTES) return tensor(name, dims, embeddedValues(name, dims, stream));
    const offset = Math.ceil(end / PAGE) * PAGE;
    end = offset;
    for (const chunk of syntheticChunks(name, dims, stream)) {
      writeSync(file, new Uint8Array(chunk.buffer), 0, chunk.byteLength, end);
      end += chunk.byteLength;
    }
    return externalTensor(name, dims, "float32", { location, offset, length });
  };
}

function byteLength(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 4);
}
