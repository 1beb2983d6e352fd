import {
  type AttributeProto,
  type Consumer,
  type DtypeName,
  dtypeName,
  elementCount,
  type Model,
  type NodeProto,
  type PrunableWeight,
  type TensorProto,
} from "@espalier/onnx";
import { graphReaders } from "../graph-readers.js";

/** A constant tensor that is added to what a weight puts out, one entry for each output channel. */
export interface BiasSite {
  readonly tensor: TensorProto;
  /** What is added to an entry of the tensor for the output of its channel to rise by 1. Not 0. */
  readonly factor: number;
}

/** Operators whose third input is the bias. */
const CONVOLUTIONS: ReadonlySet<string> = new Set(["Conv", "ConvTranspose"]);
const FLOATS: ReadonlySet<DtypeName> = new Set<DtypeName>(["float32", "float64", "float16"]);
/** Position of the mean among the inputs of BatchNormalization. */
const MEAN = 3;

/**
 * Finds the biases of weights: the bias input of Conv and ConvTranspose, C of Gemm, the constant of an Add behind a MatMul, or
 * the mean of a BatchNormalization behind a Conv without bias (there the factor is −1).
 *
 * @returns a function that says where the bias of a weight is; undefined where it has none, where the weight or the bias is
 *   read at several places, or where the operator is another one
 */
export function biasFinder(model: Model): (weight: PrunableWeight) => BiasSite | undefined {
  const constants = constantsOf(model);
  const readers = graphReaders(model);
  const outputs = new Set(model.proto.graph?.output.map(({ name }) => name));
  /** The constant behind a name, if only one node reads it and it has an entry for each channel. */
  const own = (name: string | undefined, channels: number): TensorProto | undefined => {
    const tensor = name === undefined ? undefined : constants.get(name);
    const dtype = tensor && dtypeName(tensor.dataType);
    const fits = dtype !== undefined && FLOATS.has(dtype) && elementCount(tensor!) === channels;
    return fits && isRow(tensor!, channels) && readers.get(name!)?.length === 1 ? tensor : undefined;
  };
  /** The only node that reads a value. */
  const next = ({ output: [value] }: NodeProto): NodeProto | undefined => {
    const found = readers.get(value ?? "") ?? [];
    return found.length === 1 && !outputs.has(value!) ? found[0] : undefined;
  };
  return (weight) => {
    const [consumer] = weight.consumers as [Consumer];
    if (weight.consumers.length !== 1 || consumer.scope !== "main") return undefined;
    const { proto, op } = consumer;
    const channels = weight.outChannels;
    if (CONVOLUTIONS.has(op)) {
      if (proto.input.length > 2 && proto.input[2] !== "") return siteOf(own(proto.input[2], channels), 1);
      return siteOf(own(meanBehind(next(proto), proto), channels), -1);
    }
    if (op === "Gemm") return siteOf(own(proto.input[2], channels), gemmFactor(proto));
    if (op !== "MatMul" || consumer.input !== 1 || weight.groups !== 1) return undefined;
    const add = next(proto);
    if (add?.opType !== "Add") return undefined;
    return siteOf(
      own(
        add.input.find((name) => name !== proto.output[0]),
        channels,
      ),
      1,
    );
  };
}

function siteOf(tensor: TensorProto | undefined, factor: number): BiasSite | undefined {
  return tensor && Number.isFinite(factor) ? { tensor, factor } : undefined;
}

/** Whether all sizes but the last are 1, so that the tensor is added along the last axis, or is a plain list. */
function isRow({ dims }: TensorProto, channels: number): boolean {
  return Number(dims.at(-1) ?? 0) === channels;
}

/** Gemm puts out `alpha · A · B + beta · C`. Infinite where C does not count. */
function gemmFactor(node: NodeProto): number {
  return floatOf(node, "alpha") / floatOf(node, "beta");
}

function floatOf({ attribute }: NodeProto, name: string): number {
  return attribute.find((one: AttributeProto) => one.name === name)?.f ?? 1;
}

function meanBehind(node: NodeProto | undefined, conv: NodeProto): string | undefined {
  return node?.opType === "BatchNormalization" && node.input[0] === conv.output[0] ? node.input[MEAN] : undefined;
}

/** Constants of the main graph by the name of their value. */
function constantsOf({ proto }: Model): ReadonlyMap<string, TensorProto> {
  const { initializer = [], node = [], input = [] } = proto.graph ?? {};
  const replaceable = new Set(input.map(({ name }) => name));
  const constants = new Map(
    initializer.filter(({ name }) => !replaceable.has(name)).map((tensor) => [tensor.name, tensor]),
  );
  for (const { opType, attribute, output } of node) {
    const tensor = opType === "Constant" ? attribute.find(({ name }) => name === "value")?.t : undefined;
    if (tensor) constants.set(output[0]!, tensor);
  }
  return constants;
}
