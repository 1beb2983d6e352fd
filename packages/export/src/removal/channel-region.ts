import { type NodeProto, type TensorProto, TensorProto_DataType } from "@espalier/onnx";
import type { GraphIndex } from "../lowering/graph-index.js";
import { type ChannelOperator, channelOperatorOf, IMAGE_OPERATORS } from "./channel-operators.js";
import { type DepthwiseNode, type LinearNode, stoppedBy, type WeightReader } from "./linear-node.js";

/** A constant that has one element per channel of a region, and the input of a node it stands at. */
export interface ChannelConstant {
  readonly node: NodeProto;
  readonly input: number;
  readonly tensor: TensorProto;
  /** Dimension that steps through the channels; all others but those of a depthwise kernel are 1. */
  readonly axis: number;
}

/** A node of a region between its linear nodes. */
export interface ChannelStep {
  readonly node: NodeProto;
  readonly operator: ChannelOperator;
  /** What a depthwise convolution is besides. */
  readonly depthwise?: DepthwiseNode;
}

/** What becomes of a constant channel depends on the kernel: see `constantChannels`. */
const DEPTHWISE: ChannelOperator = { channelInputs: "first" };

/** Values that share their channels: if one of them loses a channel, all do. */
export interface ChannelRegion {
  readonly channels: number;
  readonly fromEnd: number;
  readonly values: ReadonlySet<string>;
  /** Linear nodes that compute values of the region: their out channels are its channels. */
  readonly producers: ReadonlySet<LinearNode>;
  /** Linear nodes that read values of the region: their input channels are its channels. */
  readonly consumers: ReadonlySet<LinearNode>;
  readonly steps: ReadonlySet<ChannelStep>;
  readonly constants: readonly ChannelConstant[];
}

/** {@link ChannelRegion}, or the sentence that says what stops its channels from being removed. */
export type RegionResult = { readonly region: ChannelRegion } | StoppedRegion;

/** A region as far as it was followed. */
export interface StoppedRegion extends Pick<ChannelRegion, "values" | "consumers"> {
  readonly reason: string;
}

/** Finds everything that shares the channels of a linear node's output: forwards and backwards, through all that reads it. */
export function channelRegion(
  start: LinearNode,
  index: GraphIndex,
  linear: ReadonlyMap<NodeProto, WeightReader>,
): RegionResult {
  const walk = new RegionWalk(start, index, linear);
  const reason = walk.run(start.output);
  const region = walk.region();
  return reason === undefined ? { region } : { values: region.values, consumers: region.consumers, reason };
}

class RegionWalk {
  readonly #values = new Set<string>();
  readonly #producers = new Set<LinearNode>();
  readonly #consumers = new Set<LinearNode>();
  readonly #steps = new Map<NodeProto, ChannelStep>();
  readonly #constants: ChannelConstant[] = [];
  readonly #channels: number;
  readonly #fromEnd: number;
  readonly #index: GraphIndex;
  readonly #linear: ReadonlyMap<NodeProto, WeightReader>;
  readonly #waiting: string[] = [];

  constructor(start: LinearNode, index: GraphIndex, linear: ReadonlyMap<NodeProto, WeightReader>) {
    this.#channels = start.outChannels;
    this.#fromEnd = start.fromEnd;
    this.#index = index;
    this.#linear = linear;
  }

  /** @returns what stops it */
  run(start: string): string | undefined {
    this.#enqueue(start);
    for (let value = this.#waiting.pop(); value !== undefined; value = this.#waiting.pop()) {
      const reason = this.#visitProducer(value) ?? this.#visitReaders(value);
      if (reason !== undefined) return reason;
    }
    return this.#consumers.size === 0 ? "no linear operator reads it" : undefined;
  }

  region(): ChannelRegion {
    return {
      channels: this.#channels,
      fromEnd: this.#fromEnd,
      values: this.#values,
      producers: this.#producers,
      consumers: this.#consumers,
      steps: new Set(this.#steps.values()),
      constants: this.#constants,
    };
  }

  #enqueue(value: string): void {
    if (this.#values.has(value)) return;
    this.#values.add(value);
    this.#waiting.push(value);
  }

  #visitProducer(value: string): string | undefined {
    const node = this.#index.producer(value);
    if (node === undefined) return `the input ${JSON.stringify(value)} of the model has these channels`;
    const linear = this.#linear.get(node);
    if (linear === undefined) return this.#visitStep(node, "computes these channels");
    if (typeof linear === "string") return stoppedBy(node, linear);
    if (linear.kind === "depthwise") return this.#visitDepthwise(linear);
    if (linear.outChannels !== this.#channels || linear.fromEnd !== this.#fromEnd) {
      return stoppedBy(node, "computes channels that are broadcast to these");
    }
    this.#producers.add(linear);
    return this.#addConstant(node, 2, linear.bias, "vector");
  }

  #visitReaders(value: string): string | undefined {
    if (this.#index.isReadElsewhere(value)) {
      return `${JSON.stringify(value)} is an output of the model or read in a subgraph`;
    }
    for (const node of this.#index.readers(value)) {
      const linear = this.#linear.get(node);
      const reason =
        linear === undefined ? this.#visitStep(node, "reads them") : this.#visitConsumer(node, linear, value);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  #visitConsumer(node: NodeProto, linear: WeightReader, value: string): string | undefined {
    if (typeof linear === "string") return stoppedBy(node, linear);
    if (linear.kind === "depthwise") return this.#visitDepthwise(linear);
    const readsOnce = linear.input === value && node.input.filter((name) => name === value).length === 1;
    if (!readsOnce || linear.fromEnd !== this.#fromEnd) return stoppedBy(node, "reads them along another axis");
    if (linear.inChannels !== this.#channels) return stoppedBy(node, "reads another number of channels");
    this.#consumers.add(linear);
    return undefined;
  }

  #visitDepthwise(depthwise: DepthwiseNode): string | undefined {
    const { node, weight, outChannels, fromEnd } = depthwise;
    if (this.#steps.has(node)) return undefined;
    if (outChannels !== this.#channels || fromEnd !== this.#fromEnd)
      return stoppedBy(node, "reads them along another axis");
    this.#steps.set(node, { node, operator: DEPTHWISE, depthwise });
    this.#enqueue(depthwise.input);
    this.#enqueue(depthwise.output);
    this.#constants.push({ node, input: 1, tensor: weight.tensor, axis: 0 });
    return this.#addConstant(node, 2, depthwise.bias, "vector");
  }

  #visitStep(node: NodeProto, verb: string): string | undefined {
    if (this.#steps.has(node)) return undefined;
    const operator = channelOperatorOf(node);
    if (operator === undefined) return stoppedBy(node, `${verb}, and it is no operator on single channels`);
    if (!this.#hasChannelsWhere(node)) return stoppedBy(node, `${verb} along another axis`);
    this.#steps.set(node, { node, operator });
    this.#enqueue(node.output[0]!);
    if (operator.channelInputs === "first") {
      this.#enqueue(node.input[0]!);
      return undefined;
    }
    for (const [input, value] of node.input.entries()) {
      const isParameter = operator.channelInputs === "first-and-parameters" && input > 0;
      if (!isParameter && this.#index.constant(value) === undefined) this.#enqueue(value);
      else {
        const reason = this.#addConstant(node, input, value, isParameter ? "vector" : "broadcast");
        if (reason !== undefined) return reason;
      }
    }
    return undefined;
  }

  /** Pools and BatchNormalization take dimension 1 for the channels. */
  #hasChannelsWhere({ opType, input }: NodeProto): boolean {
    if (IMAGE_OPERATORS.has(opType)) return this.#fromEnd > 0;
    if (opType !== "BatchNormalization" || this.#fromEnd > 0) return true;
    return this.#index.producer(input[0]!)?.opType === "Gemm" || this.#index.dims(input[0]!)?.length === 2;
  }

  /** @param shape `vector`: one dimension, the channels; `broadcast`: aligned with a value of the region from its end */
  #addConstant(node: NodeProto, input: number, value: string, shape: "vector" | "broadcast"): string | undefined {
    if (value === "") return undefined;
    const tensor = this.#index.constant(value);
    if (tensor === undefined) return stoppedBy(node, "adds something that is computed");
    if (tensor.dataType !== TensorProto_DataType.FLOAT) return stoppedBy(node, "has a constant that is not float32");
    const dims = tensor.dims.map(Number);
    if (dims.every((size) => size === 1) && this.#channels !== 1) return undefined;
    const axis = dims.length - 1 - (shape === "vector" ? 0 : this.#fromEnd);
    const fits = dims.every((size, at) => size === (at === axis ? this.#channels : 1));
    if (!fits) return stoppedBy(node, `has a constant of shape [${dims.join(", ")}] for ${this.#channels} channels`);
    this.#constants.push({ node, input, tensor, axis });
    return undefined;
  }
}
