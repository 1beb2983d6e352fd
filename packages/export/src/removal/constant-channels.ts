import { type Model, TensorProto_DataType, tensorValues } from "@espalier/onnx";
import { floatAttribute, type GraphIndex } from "../lowering/graph-index.js";
import type { ChannelRegion, ChannelStep } from "./channel-region.js";
import type { DepthwiseNode, LinearNode } from "./linear-node.js";
import type { ChannelUse } from "./zero-channels.js";

/**
 * The values of a region's channels that do not depend on the model's input: those whose rows in all producers are zero
 * have only a bias, and whatever follows makes one number of it.
 *
 * @returns by value, one number per channel, rounded to f32; NaN where a channel is not constant or not known to be
 */
export function constantChannels(
  region: ChannelRegion,
  index: GraphIndex,
  use: ChannelUse,
): ReadonlyMap<string, Float64Array> {
  const constants = new Map<string, Float64Array>();
  for (const producer of region.producers) constants.set(producer.output, biasOfUnused(producer, index, use));
  const position = new Map(index.nodes.map((node, at) => [node, at]));
  const steps = [...region.steps].sort((a, b) => position.get(a.node)! - position.get(b.node)!);
  for (const step of steps) constants.set(step.node.output[0]!, evaluated(step, region.channels, constants, index));
  return constants;
}

function biasOfUnused(producer: LinearNode, index: GraphIndex, use: ChannelUse): Float64Array {
  const { node, bias } = producer;
  const used = use.of(producer).out;
  const factor = node.opType === "Gemm" ? floatAttribute(node, "beta", 1) : 1;
  const biases = bias === "" ? undefined : vector(index, bias, used.length);
  return Float64Array.from(used, (isUsed, channel) =>
    isUsed === 1 ? Number.NaN : biases === undefined ? 0 : Math.fround(factor * biases[channel]!),
  );
}

function evaluated(
  { node, operator, depthwise }: ChannelStep,
  channels: number,
  constants: ReadonlyMap<string, Float64Array>,
  index: GraphIndex,
): Float64Array {
  if (depthwise !== undefined) return depthwiseConstants(depthwise, constants.get(depthwise.input)!, index);
  const unknown = () => new Float64Array(channels).fill(Number.NaN);
  const inputs = node.input.map((value) => constants.get(value) ?? vector(index, value, channels));
  const single = node.input.map((value) => scalar(index.model, index, value));
  const compute = operator.evaluate?.(node, single);
  const taken = operator.channelInputs === "first" ? inputs.slice(0, 1) : inputs;
  if (compute === undefined || taken.some((input) => input === undefined)) return unknown();
  return Float64Array.from({ length: channels }, (_, channel) =>
    Math.fround(compute(...taken.map((input) => input![channel]!))),
  );
}

/**
 * A depthwise convolution makes its bias of a channel that is zero, or that it multiplies with zeros; another constant times
 * the sum of the kernel is added to that only where no zeros are padded.
 */
function depthwiseConstants(
  { weight, outChannels, bias, padded }: DepthwiseNode,
  input: Float64Array,
  index: GraphIndex,
): Float64Array {
  const values = weight.read();
  const positions = values.length / outChannels;
  const biases = bias === "" ? new Float64Array(outChannels) : vector(index, bias, outChannels);
  return input.map((constant, channel) => {
    const kernel = values.subarray(channel * positions, (channel + 1) * positions);
    const own = biases?.[channel] ?? Number.NaN;
    if (constant === 0 || kernel.every((value) => value === 0)) return own;
    return padded
      ? Number.NaN
      : Math.fround(own + constant * Float64Array.from(kernel).reduce((sum, value) => sum + value));
  });
}

/** A constant as one number per channel: a vector of any shape, or one number for all. */
function vector(index: GraphIndex, value: string, channels: number): Float64Array | undefined {
  const tensor = index.constant(value);
  if (tensor?.dataType !== TensorProto_DataType.FLOAT) return undefined;
  const values = tensorValues(index.model, tensor);
  if (values.length === channels) return Float64Array.from(values);
  return values.length === 1 ? new Float64Array(channels).fill(values[0]!) : undefined;
}

function scalar(model: Model, index: GraphIndex, value: string): number | undefined {
  const tensor = value === "" ? undefined : index.constant(value);
  if (tensor?.dataType !== TensorProto_DataType.FLOAT || tensor.dims.some((size) => size !== 1n)) return undefined;
  return tensorValues(model, tensor)[0];
}

/** Whether a constant input channel of a node can be added to its bias: not where zeros stand beside it. */
export function canFold({ padded }: LinearNode, constant: number): boolean {
  return Number.isFinite(constant) && (!padded || constant === 0);
}
