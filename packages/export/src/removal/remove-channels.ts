import { matrixLayout } from "@espalier/core";
import { type NodeProto, TensorProto_DataType, tensorValues } from "@espalier/onnx";
import { floatAttribute, type GraphIndex, isOnnx } from "../lowering/graph-index.js";
import type { ChannelConstant, ChannelRegion } from "./channel-region.js";
import { canFold, constantChannels } from "./constant-channels.js";
import type { GraphEdits } from "./graph-edits.js";
import { type LinearNode, stoppedBy } from "./linear-node.js";
import { sliceAxes } from "./slice-tensor.js";
import type { ChannelUse } from "./zero-channels.js";

/** Which channels of a region go. */
export interface RemovalPlan {
  /** Channels that stay, ascending, at least one. */
  readonly keep: readonly number[];
  /** Channels that go and still add a constant to some consumer. */
  readonly folded: number;
  /** What is added to the outputs of consumers, f64 `[outChannels]`; absent where nothing is. */
  readonly addends: ReadonlyMap<LinearNode, Float64Array>;
  /** Why channels that do not depend on the input, or that nobody uses, stay; absent where there are none. */
  readonly reason?: string;
}

/**
 * Decides which channels of a region nobody misses.
 *
 * @param multiple of which convolutions keep a multiple of channels
 */
export function planRemoval(region: ChannelRegion, index: GraphIndex, use: ChannelUse, multiple: number): RemovalPlan {
  const constants = constantChannels(region, index, use);
  const consumers = [...region.consumers].map((node): Reader => {
    return { node, used: use.of(node).in, constant: constants.get(node.input!)! };
  });
  const producers = [...region.producers].map((node) => use.of(node).out);
  const isUnused = (channel: number) => consumers.every(({ used }) => used[channel] === 0);
  const isConstant = (channel: number) => producers.every((used) => used[channel] === 0);
  const canGo = (channel: number) =>
    consumers.every(({ node, used, constant }) => used[channel] === 0 || canFold(node, constant[channel]!));
  const all = Array.from({ length: region.channels }, (_, channel) => channel);
  const gone = all.filter(canGo);
  const staying = countToKeep(region, region.channels - gone.length, multiple);
  gone.length = region.channels - staying;
  const leaving = new Set(gone);
  const stuck = all.find((channel) => !leaving.has(channel) && (isUnused(channel) || isConstant(channel)));
  return {
    keep: all.filter((channel) => !leaving.has(channel)),
    folded: gone.filter((channel) => !isUnused(channel)).length,
    addends: addendsOf(consumers, gone),
    ...(stuck !== undefined && { reason: stuckReason(consumers, stuck, staying) }),
  };
}

/** Of `needed` channels, how many stay: at least one, as a tensor without entries is nothing that operators have to accept. */
function countToKeep({ fromEnd, channels }: ChannelRegion, needed: number, multiple: number): number {
  const step = fromEnd > 0 ? multiple : 1;
  return Math.min(channels, Math.max(1, Math.ceil(needed / step) * step));
}

/** One of the readers that a channel stays for, or that there would be too few. */
function stuckReason(readers: readonly Reader[], channel: number, staying: number): string {
  const reader = readers.find(({ node, used, constant }) => used[channel] === 1 && !canFold(node, constant[channel]!));
  if (reader === undefined) {
    return staying === 1 ? "one channel has to stay" : "convolutions keep a number of channels that they are fast with";
  }
  if (reader.node.padded) return stoppedBy(reader.node.node, "pads constant channels with zeros");
  return stoppedBy(reader.node.node, "reads constant channels whose value is not known");
}

/** A linear node that reads a region, with what it does to each channel. */
interface Reader {
  readonly node: LinearNode;
  readonly used: Uint8Array;
  /** NaN where the channel is not constant. */
  readonly constant: Float64Array;
}

function addendsOf(consumers: readonly Reader[], gone: readonly number[]): ReadonlyMap<LinearNode, Float64Array> {
  const addends = new Map<LinearNode, Float64Array>();
  for (const { node, used, constant } of consumers) {
    const folded = gone.filter((channel) => used[channel] === 1 && constant[channel] !== 0);
    if (folded.length > 0) addends.set(node, addendOf(node, constant, folded));
  }
  return addends;
}

/** `Σ weight[out, channel, position] · constant[channel]` over the folded channels. */
function addendOf({ weight, positions, node }: LinearNode, constant: Float64Array, folded: readonly number[]) {
  const { outOffsets, featureOffsets } = matrixLayout(weight);
  const values = weight.read();
  const factor = node.opType === "Gemm" ? floatAttribute(node, "alpha", 1) : 1;
  return Float64Array.from(outOffsets, (start) => {
    let sum = 0;
    for (const channel of folded) {
      for (let position = 0; position < positions; position++) {
        sum += values[start + featureOffsets[channel * positions + position]!]! * constant[channel]!;
      }
    }
    return factor * sum;
  });
}

/** Writes down the removal of channels: smaller weights, smaller constants, biases with what the channels added. */
export function removeChannels(region: ChannelRegion, plan: RemovalPlan, index: GraphIndex, edits: GraphEdits): void {
  const slicing: Slicing = { region, keep: plan.keep, index, edits };
  for (const linear of new Set([...region.producers, ...region.consumers])) sliceWeight(linear, slicing);
  const additions = [...plan.addends].map(([linear, addend]) => ({ linear, addend, place: biasPlace(linear, index) }));
  const inRegion = new Set<object>();
  for (const constant of region.constants) {
    const addition = additions.find(({ place }) => place?.node === constant.node && place.input === constant.input);
    if (addition !== undefined) inRegion.add(addition);
    sliceConstant(constant, addition?.addend, slicing);
  }
  for (const addition of additions) if (!inRegion.has(addition)) addToOutput(addition, slicing);
  for (const { node, depthwise } of region.steps) {
    edits.touch(node);
    if (depthwise !== undefined) edits.setInteger(node, "group", plan.keep.length);
  }
  // A declared shape would contradict the new one, and a rewrite cannot take the declaration out.
  for (const value of region.values) if (index.dims(value) !== undefined) edits.rename(value);
}

/** What the parts of a removal share. */
interface Slicing {
  readonly region: ChannelRegion;
  readonly keep: readonly number[];
  readonly index: GraphIndex;
  readonly edits: GraphEdits;
}

/** A weight whose out channels and input channels are of one region (a residual block) loses both. */
function sliceWeight(linear: LinearNode, { region, keep, index, edits }: Slicing): void {
  const { node, weight, outAxis, inAxis } = linear;
  const axes = [...(region.producers.has(linear) ? [outAxis] : []), ...(region.consumers.has(linear) ? [inAxis] : [])];
  const { tensor, shape } = weight;
  edits.setConstant(node, 1, {
    dims: axes.reduce((dims, axis) => dims.with(axis, keep.length), [...shape]),
    compute: () => sliceAxes(tensorValues(index.model, tensor), shape, axes, keep),
  });
}

function sliceConstant(
  { node, input, tensor, axis }: ChannelConstant,
  addend: Float64Array | undefined,
  { keep, index, edits }: Slicing,
): void {
  const dims = tensor.dims.map(Number);
  edits.setConstant(node, input, {
    dims: dims.with(axis, keep.length),
    compute: () => {
      const values = tensorValues(index.model, tensor);
      const sum = addend === undefined ? values : addend.map((value, channel) => value + values[channel]!);
      return sliceAxes(sum, dims, [axis], keep);
    },
  });
}

/** Adds a constant to what a linear node computes: in its bias, in the Add behind it, or with a new Add. */
function addToOutput(
  added: { readonly linear: LinearNode; readonly addend: Float64Array; readonly place: BiasPlace | undefined },
  { region, keep, index, edits }: Slicing,
): void {
  const { linear, addend, place } = added;
  const kept = region.producers.has(linear) ? Float64Array.from(keep, (channel) => addend[channel]!) : addend;
  if (place === undefined) {
    const dims = [kept.length, ...Array<number>(linear.fromEnd).fill(1)];
    edits.addBehind(linear.node, { dims, compute: () => Float32Array.from(kept) });
    return;
  }
  const tensor = index.constant(place.node.input[place.input] ?? "");
  edits.setConstant(place.node, place.input, {
    dims: [kept.length],
    compute: () => {
      const bias = tensor && tensorValues(index.model, tensor);
      return Float32Array.from(kept, (value, out) => value + (bias?.[out] ?? 0));
    },
  });
}

/** An input of a node whose constant is added to every output, one entry for each; it may be empty so far. */
interface BiasPlace {
  readonly node: NodeProto;
  readonly input: number;
}

/** The input of a node whose constant is added to every output and has one entry for each. */
function biasPlace(linear: LinearNode, index: GraphIndex): BiasPlace | undefined {
  const { node, bias, outChannels, output } = linear;
  const isVector = (value: string): boolean => {
    const tensor = index.constant(value);
    const dims = tensor?.dims.map(Number) ?? [];
    return dims.length === 1 && dims[0] === outChannels && tensor?.dataType === TensorProto_DataType.FLOAT;
  };
  if (node.opType === "MatMul") {
    const add = index.soleReader(output);
    const input = add?.input.findIndex((value) => value !== output && isVector(value)) ?? -1;
    return add?.opType === "Add" && isOnnx(add) && input >= 0 ? { node: add, input } : undefined;
  }
  if (node.opType === "Gemm" && floatAttribute(node, "beta", 1) !== 1) return undefined;
  return bias === "" || isVector(bias) ? { node, input: 2 } : undefined;
}
