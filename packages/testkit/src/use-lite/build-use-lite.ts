import { addLinear, type GraphWriter, graphWriter } from "../graph-writer.js";
import { buildModel, valueInfo } from "../model-builder.js";
import { addTransformerLayer } from "../transformer-layer.js";
import { sourceWeights } from "./source-weights.js";

/** Rows of the embedding table; the vocabulary names the first 8000. */
const TABLE_ROWS = 8002;
const TOKEN_WIDTH = 256;
const WIDTH = 512;
const LAYER = { width: WIDTH, ffn: 1536, heads: 4 };
/** Added to the attention scores of padding; large enough that its softmax weight is exactly 0 in float32. */
const PADDING_SCORE = -1e9;

/**
 * Raise it whenever the graph written here changes: a cached file of an older revision is built anew.
 * @see useLitePath
 */
export const USE_LITE_REVISION = 1;

/**
 * The Universal Sentence Encoder lite as an opset-17 ONNX model of float32 weights (27.9 MB), rebuilt from its tfjs form.
 *
 * Inputs `input_ids` and `attention_mask` (1 = token, 0 = padding), int64 `[batch, seq]` with `seq` from 1 to 128;
 * output `embedding`, f32 `[batch, 512]`, L2 norm 1. Ten MatMuls have constant weights, 4,915,200 in all, called
 * `layer0/attention/qkv/weight` and the like. The same package gives the same bytes.
 *
 * @see Cer et al. 2018, arXiv:1803.11175
 */
export function buildUseLite(): Uint8Array<ArrayBuffer> {
  const writer = graphWriter(sourceWeights());
  const mask = writer.op("mask", "Cast", ["attention_mask"], { to: 1 });
  const bias = addPaddingBias(writer, mask);
  const first = { ...LAYER, inputWidth: TOKEN_WIDTH };
  const second = { ...LAYER, inputWidth: WIDTH };
  const middle = addTransformerLayer(writer, "layer0", addTokens(writer), first, bias);
  const encoded = addTransformerLayer(writer, "layer1", middle, second, bias);
  const head = addLinear(writer, "head", addMean(writer, encoded, mask), WIDTH, WIDTH);
  writer.op("embedding", "LpNormalization", [writer.op("head/tanh", "Tanh", [head])], { axis: -1, p: 2 });
  return buildModel({
    name: "use_lite",
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: ["input_ids", "attention_mask"].map((name) => valueInfo(name, "int64", ["batch", "seq"])),
    outputs: [valueInfo("embedding", "float32", ["batch", WIDTH])],
  });
}

/** `2 · table[id] + [sin(position · 1/timescale), cos(…)]`, `[batch, seq, 256]`. */
function addTokens(writer: GraphWriter): string {
  const table = writer.weight("embedding/table", [TABLE_ROWS, TOKEN_WIDTH]);
  const tokens = writer.op("embedding/lookup", "Gather", [table, "input_ids"], { axis: 0 });
  const doubled = writer.op("embedding/doubled", "Add", [tokens, tokens]);
  return writer.op("tokens", "Add", [doubled, addTiming(writer)]);
}

function addTiming(writer: GraphWriter): string {
  const shape = writer.op("timing/shape", "Shape", ["input_ids"]);
  const one = writer.integers("timing/one", 1);
  const length = writer.op("timing/length", "Gather", [shape, one], { axis: 0 });
  const range = writer.op("timing/range", "Range", [writer.integers("timing/zero", 0), length, one]);
  const positions = writer.op("timing/positions", "Cast", [range], { to: 1 });
  const column = writer.op("timing/column", "Unsqueeze", [positions, writer.integers("timing/column_axes", [1])]);
  const scales = writer.weight("timing/inverse_timescales", [1, TOKEN_WIDTH / 2]);
  const angles = writer.op("timing/angles", "Mul", [column, scales]);
  const halves = [writer.op("timing/sin", "Sin", [angles]), writer.op("timing/cos", "Cos", [angles])];
  return writer.op("timing/signal", "Concat", halves, { axis: 1 });
}

/** 0 for tokens and −1e9 for padding, `[batch, 1, 1, seq]`. */
function addPaddingBias(writer: GraphWriter, mask: string): string {
  const padding = writer.op("padding", "Sub", [writer.scalar("padding/one", 1), mask]);
  const scores = writer.op("padding/scores", "Mul", [padding, writer.scalar("padding/score", PADDING_SCORE)]);
  return writer.op("padding/bias", "Unsqueeze", [scores, writer.integers("padding/bias_axes", [1, 2])]);
}

/** Mean over the tokens of each text, `[batch, 512]`; 0 for a text without tokens. */
function addMean(writer: GraphWriter, encoded: string, mask: string): string {
  const seqAxis = writer.integers("mean/seq_axis", [1]);
  const weights = writer.op("mean/weights", "Unsqueeze", [mask, writer.integers("mean/weights_axes", [2])]);
  const masked = writer.op("mean/masked", "Mul", [encoded, weights]);
  const sum = writer.op("mean/sum", "ReduceSum", [masked, seqAxis], { keepdims: 0 });
  const count = writer.op("mean/count", "ReduceSum", [mask, seqAxis], { keepdims: 1 });
  const divisor = writer.op("mean/divisor", "Max", [count, writer.scalar("mean/least", 1)]);
  return writer.op("mean", "Div", [sum, divisor]);
}
