import { type Model, rewriteGraph } from "@espalier/onnx";
import { ExportError } from "../export-error.js";
import { GraphIndex } from "../lowering/graph-index.js";
import { type ChannelRegion, channelRegion, type StoppedRegion } from "./channel-region.js";
import { GraphEdits } from "./graph-edits.js";
import { type LinearNode, linearNodes } from "./linear-node.js";
import { planRemoval, type RemovalPlan, removeChannels } from "./remove-channels.js";
import { ChannelUse } from "./zero-channels.js";

/** What became of channels that some linear operators compute and others read. */
export interface RemovedChannels {
  /** Names of the weights whose out channels they are, in the model's order. */
  readonly producers: readonly string[];
  /** Names of the weights whose input channels they are; empty where something stops their removal. */
  readonly consumers: readonly string[];
  /** How many there were. */
  readonly channels: number;
  /** How many went. */
  readonly removed: number;
  /** Of those, channels whose constant value went into a bias. */
  readonly folded: number;
  /** Why channels of zeros stayed, where some did. */
  readonly reason?: string;
}

/** Options of {@link removeZeroChannels}. */
export interface RemovalOptions {
  /**
   * Convolutions keep a multiple of so many channels, or all of them. ONNX Runtime computes 8 or 16 channels at once and takes
   * slower kernels for other numbers: PP-OCR with 30 % of its channels removed ran 0.7 to 1.3 times as fast as before with any
   * number, 1.0 to 1.5 times with multiples of 8. 1 makes the smallest file.
   * @default 8
   */
  readonly channelMultiple?: number;
}

/** A model with fewer channels, and the report: only of channels that went, or that could have but for a reason. */
export interface ChannelRemoval {
  /** The given model itself where nothing could be removed. */
  readonly model: Model;
  readonly report: readonly RemovedChannels[];
}

/**
 * A model without the channels that make no difference: really smaller tensors, the same outputs.
 *
 * Channels go between linear operators (MatMul, Gemm, Conv) that compute and read them, with nothing but operators on single
 * channels between (activations, biases, BatchNormalization, pooling, depthwise Conv, sums and products of two branches):
 * - those that every reader multiplies with zeros,
 * - those whose weights are all zero, so that they have one constant value; it goes into the biases of the readers, unless a
 *   reader pads its input with zeros.
 *
 * What becomes zero or constant by that goes too. Anything else that reads the channels (an output of the model, a residual
 * from elsewhere, a Softmax or LayerNormalization, a Reshape) keeps all of them. Outputs are the same up to rounding: sums
 * have fewer terms, and constants are computed in f64 and rounded to f32. Names of weights stay; values in between whose shape
 * the model declares are renamed.
 *
 * @throws {ExportError} `invalid-run` for options
 * @throws {OnnxError} when a weight cannot be read
 */
export function removeZeroChannels(model: Model, options: RemovalOptions = {}): ChannelRemoval {
  const { channelMultiple = 8 } = options;
  if (!Number.isSafeInteger(channelMultiple) || channelMultiple < 1) {
    throw new ExportError("invalid-run", `channelMultiple is ${channelMultiple}, expected an integer of at least 1`);
  }
  const report = new Map<string, RemovedChannels>();
  let current = model;
  for (;;) {
    const round = removeOnce(current, channelMultiple);
    for (const entry of round.report) merge(report, entry);
    if (round.model === current) return { model: current, report: [...report.values()] };
    current = round.model;
  }
}

function merge(report: Map<string, RemovedChannels>, entry: RemovedChannels): void {
  const key = JSON.stringify(entry.producers);
  const before = report.get(key);
  const { reason: _, ...earlier } = before ?? { ...entry, removed: 0, folded: 0 };
  report.set(key, {
    ...earlier,
    removed: earlier.removed + entry.removed,
    folded: earlier.folded + entry.folded,
    ...(entry.reason !== undefined && { reason: entry.reason }),
  });
}

/** One pass over all regions. Those that share an operator with one that is changed have to wait for the next. */
function removeOnce(model: Model, multiple: number): ChannelRemoval {
  const index = new GraphIndex(model);
  const linear = linearNodes(index);
  const use = new ChannelUse();
  const edits = new GraphEdits(index, index.freePrefix("removed"));
  const seen = new Set<string>();
  const reasons = new Map<string, StoppedRegion>();
  const report: RemovedChannels[] = [];
  for (const node of index.nodes) {
    const start = linear.get(node);
    if (start === undefined || typeof start === "string" || start.kind !== "linear") continue;
    if (seen.has(start.output)) continue;
    const found = reasons.get(start.output) ?? channelRegion(start, index, linear);
    if ("reason" in found) {
      for (const value of found.values) reasons.set(value, found);
      report.push(...stopped(start, found, use));
      continue;
    }
    for (const value of found.region.values) seen.add(value);
    if (nodesOf(found.region).every((one) => edits.isUntouched(one))) {
      report.push(...changed(found.region, planRemoval(found.region, index, use, multiple), index, edits));
    }
  }
  return edits.isEmpty ? { model, report } : { model: rewriteGraph(model, edits.rewrite()), report };
}

function nodesOf({ producers, consumers, steps }: ChannelRegion) {
  return [...producers, ...consumers, ...steps].map(({ node }) => node);
}

function changed(region: ChannelRegion, plan: RemovalPlan, index: GraphIndex, edits: GraphEdits): RemovedChannels[] {
  const removed = region.channels - plan.keep.length;
  if (removed > 0) removeChannels(region, plan, index, edits);
  if (removed === 0 && plan.reason === undefined) return [];
  return [
    {
      producers: weightNames(region.producers, index),
      consumers: weightNames(region.consumers, index),
      channels: region.channels,
      removed,
      folded: plan.folded,
      ...(plan.reason !== undefined && { reason: plan.reason }),
    },
  ];
}

/** What stopped the search matters only where there are channels of zeros. */
function stopped(start: LinearNode, { consumers, reason }: StoppedRegion, use: ChannelUse): RemovedChannels[] {
  const readers = [...consumers].map((one) => use.of(one).in);
  const isUnused = (channel: number) => readers.length > 0 && readers.every((used) => used[channel] === 0);
  if (!use.of(start).out.some((used, channel) => used === 0 || isUnused(channel))) return [];
  const { weight, outChannels } = start;
  return [{ producers: [weight.name], consumers: [], channels: outChannels, removed: 0, folded: 0, reason }];
}

function weightNames(nodes: ReadonlySet<LinearNode>, index: GraphIndex): readonly string[] {
  const position = new Map(index.nodes.map((node, at) => [node, at]));
  const inOrder = [...nodes].sort((a, b) => position.get(a.node)! - position.get(b.node)!);
  return inOrder.map(({ weight }) => weight.name);
}
