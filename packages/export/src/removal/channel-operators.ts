import type { NodeProto } from "@espalier/onnx";
import { attribute, floatAttribute, isOnnx } from "../lowering/graph-index.js";
import { erf } from "./error-function.js";

/** Computes an output element from the input elements at its place; NaN where that is not known. */
type ElementFunction = (...inputs: readonly number[]) => number;

/** An operator that computes every channel from the same channel of its inputs. */
export interface ChannelOperator {
  /** Which inputs hold channels; all others (limits of a Clip, the ratio of a Dropout) stay as they are. */
  readonly channelInputs: "all" | "first" | "first-and-parameters";
  /**
   * What it makes of channels that are the same at all positions, by the attributes of a node and those of its inputs that
   * are constants of one element; undefined where that depends on more.
   */
  readonly evaluate?: (node: NodeProto, single: readonly (number | undefined)[]) => ElementFunction | undefined;
}

const unary = (evaluate?: (node: NodeProto) => ElementFunction): ChannelOperator => ({
  channelInputs: "first",
  ...(evaluate && { evaluate }),
});

const elementwise = (evaluate: ElementFunction): ChannelOperator => ({
  channelInputs: "all",
  evaluate: () => evaluate,
});

const sigmoid: ElementFunction = (x) => 1 / (1 + Math.exp(-x!));
const softplus: ElementFunction = (x) => (x! > 30 ? x! : Math.log1p(Math.exp(x!)));

/** Operators of ONNX's own domain; others with their domain in front. */
const OPERATORS: ReadonlyMap<string, ChannelOperator> = new Map<string, ChannelOperator>([
  ["Identity", unary(() => (x) => x!)],
  ["Relu", unary(() => (x) => Math.max(x!, 0))],
  ["LeakyRelu", unary((node) => leaky(floatAttribute(node, "alpha", 0.01)))],
  ["Elu", unary((node) => elu(floatAttribute(node, "alpha", 1)))],
  ["Sigmoid", unary(() => sigmoid)],
  ["Tanh", unary(() => (x) => Math.tanh(x!))],
  ["Erf", unary(() => (x) => erf(x!))],
  ["Softplus", unary(() => softplus)],
  ["Softsign", unary(() => (x) => x! / (1 + Math.abs(x!)))],
  ["HardSigmoid", unary((node) => hardSigmoid(floatAttribute(node, "alpha", 0.2), floatAttribute(node, "beta", 0.5)))],
  ["HardSwish", unary(() => (x) => x! * hardSigmoid(1 / 6, 0.5)(x!))],
  ["Mish", unary(() => (x) => x! * Math.tanh(softplus(x!)))],
  ["Gelu", unary(gelu)],
  ["com.microsoft.Gelu", unary(() => exactGelu)],
  ["com.microsoft.QuickGelu", unary((node) => (x) => x! * sigmoid(floatAttribute(node, "alpha", 1.702) * x!))],
  ["Neg", unary(() => (x) => -x!)],
  ["Abs", unary(() => (x) => Math.abs(x!))],
  ["Exp", unary(() => (x) => Math.exp(x!))],
  ["Sqrt", unary(() => (x) => Math.sqrt(x!))],
  ["Reciprocal", unary(() => (x) => 1 / x!)],
  ["Clip", { channelInputs: "first", evaluate: clip }],
  ["Dropout", unary(() => (x) => x!)],
  ["Add", elementwise((a, b) => a! + b!)],
  ["Sub", elementwise((a, b) => a! - b!)],
  ["Mul", elementwise((a, b) => a! * b!)],
  ["Div", elementwise((a, b) => a! / b!)],
  ["Pow", elementwise((a, b) => a! ** b!)],
  ["Max", elementwise((...all) => Math.max(...all))],
  ["Min", elementwise((...all) => Math.min(...all))],
  ["PRelu", elementwise((x, slope) => (x! < 0 ? slope! * x! : x!))],
  ["BatchNormalization", { channelInputs: "first-and-parameters", evaluate: batchNormalization }],
  // The mean or maximum over positions of a channel that is the same at all of them; padding of MaxPool never wins.
  ["GlobalAveragePool", unary(() => (x) => x!)],
  ["GlobalMaxPool", unary(() => (x) => x!)],
  ["MaxPool", unary(() => (x) => x!)],
  // Zeros of its padding may count.
  ["AveragePool", unary()],
]);

/** How a node treats channels, if it computes each of them from the same one. */
export function channelOperatorOf(node: NodeProto): ChannelOperator | undefined {
  const operator = OPERATORS.get(isOnnx(node) ? node.opType : `${node.domain}.${node.opType}`);
  // A second output (a Dropout's mask, the indices of a MaxPool) is another matter.
  return node.output.slice(1).some((name) => name !== "") ? undefined : operator;
}

/** Operators that only a convolution's output has: their channels are dimension 1, whatever follows. */
export const IMAGE_OPERATORS: ReadonlySet<string> = new Set([
  "GlobalAveragePool",
  "GlobalMaxPool",
  "MaxPool",
  "AveragePool",
]);

function leaky(alpha: number): ElementFunction {
  return (x) => (x! < 0 ? alpha * x! : x!);
}

function elu(alpha: number): ElementFunction {
  return (x) => (x! < 0 ? alpha * Math.expm1(x!) : x!);
}

function hardSigmoid(alpha: number, beta: number): (x: number) => number {
  return (x) => Math.max(0, Math.min(1, alpha * x + beta));
}

function exactGelu(...[x]: readonly number[]): number {
  return 0.5 * x! * (1 + erf(x! / Math.SQRT2));
}

function gelu(node: NodeProto): ElementFunction {
  const approximate = attribute(node, "approximate");
  if (approximate === undefined || new TextDecoder().decode(approximate.s) !== "tanh") return exactGelu;
  return (x) => 0.5 * x! * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x! + 0.044715 * x! ** 3)));
}

/** Limits are inputs since opset 11, attributes before. */
function clip(node: NodeProto, [, min, max]: readonly (number | undefined)[]): ElementFunction | undefined {
  if ((node.input[1] && min === undefined) || (node.input[2] && max === undefined)) return undefined;
  const low = min ?? floatAttribute(node, "min", Number.NEGATIVE_INFINITY);
  const high = max ?? floatAttribute(node, "max", Number.POSITIVE_INFINITY);
  return (x) => Math.min(high, Math.max(low, x!));
}

function batchNormalization(node: NodeProto): ElementFunction {
  const epsilon = floatAttribute(node, "epsilon", 1e-5);
  return (x, scale, shift, mean, variance) => ((x! - mean!) / Math.sqrt(variance! + epsilon)) * scale! + shift!;
}
