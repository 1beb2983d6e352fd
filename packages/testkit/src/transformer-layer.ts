import { addLinear, type GraphWriter } from "./graph-writer.js";

/** The sizes of one layer. */
export interface TransformerLayerShape {
  /** Width of the layer's input; the attention works at this width. */
  readonly inputWidth: number;
  /** Width of the layer's output. Where it differs from `inputWidth`, a trained projection carries the residual. */
  readonly width: number;
  /** Width between the two products of the feed-forward part. */
  readonly ffn: number;
  /** Attention heads; divides `inputWidth`. */
  readonly heads: number;
}

/** Epsilon of every LayerNormalization, as USE-lite was trained. */
const NORM_EPSILON = 1e-6;

/**
 * Adds a pre-norm transformer layer: self-attention, then a ReLU feed-forward part, each with a residual.
 *
 * @param prefix starts every name, such as `layer0`
 * @param x value `[batch, seq, inputWidth]`
 * @param attentionBias value that broadcasts to `[batch, heads, seq, seq]`, added to the attention scores; absent = every
 * position sees every other
 * @returns the name of the value `[batch, seq, width]`
 */
export function addTransformerLayer(
  writer: GraphWriter,
  prefix: string,
  x: string,
  shape: TransformerLayerShape,
  attentionBias?: string,
): string {
  const { inputWidth, width, ffn } = shape;
  const attended = addAttention(writer, `${prefix}/attention`, x, shape, attentionBias);
  const carried = inputWidth === width ? x : addLinear(writer, `${prefix}/residual`, x, inputWidth, width);
  const middle = writer.op(`${prefix}/attention/residual`, "Add", [attended, carried]);

  const normed = addNorm(writer, `${prefix}/ffn/norm`, middle, width);
  const up = addLinear(writer, `${prefix}/ffn/up`, normed, width, ffn);
  const active = writer.op(`${prefix}/ffn/relu`, "Relu", [up]);
  const down = addLinear(writer, `${prefix}/ffn/down`, active, ffn, width);
  return writer.op(`${prefix}/ffn/residual`, "Add", [down, middle]);
}

function addAttention(
  writer: GraphWriter,
  prefix: string,
  x: string,
  { inputWidth, width, heads }: TransformerLayerShape,
  attentionBias: string | undefined,
): string {
  const headWidth = inputWidth / heads;
  const normed = addNorm(writer, `${prefix}/norm`, x, inputWidth);
  const qkv = addLinear(writer, `${prefix}/qkv`, normed, inputWidth, 3 * inputWidth);
  const [query, key, value] = writer.split(`${prefix}/split`, qkv, [inputWidth, inputWidth, inputWidth]);

  // 0 keeps a size of the input: batch and seq stay free.
  const headShape = writer.integers(`${prefix}/head_shape`, [0, 0, heads, headWidth]);
  const toHeads = (part: string, input: string, perm: readonly number[]) =>
    writer.op(`${prefix}/${part}/heads`, "Transpose", [writer.op(`${prefix}/${part}`, "Reshape", [input, headShape])], {
      perm,
    });
  const scale = writer.scalar(`${prefix}/scale`, 1 / Math.sqrt(headWidth));
  const scaled = writer.op(`${prefix}/scaled_query`, "Mul", [toHeads("query", query!, [0, 2, 1, 3]), scale]);
  const scores = writer.op(`${prefix}/scores`, "MatMul", [scaled, toHeads("key", key!, [0, 2, 3, 1])]);
  const biased =
    attentionBias === undefined ? scores : writer.op(`${prefix}/biased_scores`, "Add", [scores, attentionBias]);
  const weights = writer.op(`${prefix}/softmax`, "Softmax", [biased], { axis: -1 });

  const mixed = writer.op(`${prefix}/mixed`, "MatMul", [weights, toHeads("value", value!, [0, 2, 1, 3])]);
  const together = writer.op(`${prefix}/together`, "Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const flatShape = writer.integers(`${prefix}/flat_shape`, [0, 0, inputWidth]);
  const flat = writer.op(`${prefix}/flat`, "Reshape", [together, flatShape]);
  return addLinear(writer, `${prefix}/output`, flat, inputWidth, width);
}

/** Adds a LayerNormalization over the last axis of `x`, with weights `name/scale` and `name/bias`; returns `name`. */
export function addNorm(writer: GraphWriter, name: string, x: string, width: number): string {
  const scale = writer.weight(`${name}/scale`, [width]);
  const bias = writer.weight(`${name}/bias`, [width]);
  return writer.op(name, "LayerNormalization", [x, scale, bias], { axis: -1, epsilon: NORM_EPSILON });
}
