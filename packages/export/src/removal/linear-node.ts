import { type NodeProto, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { attribute, describeNode, type GraphIndex, intAttribute } from "../lowering/graph-index.js";

/** A MatMul, Gemm or Conv whose weight nobody else reads, so that channels of it can go. */
export interface LinearNode {
  readonly kind: "linear";
  readonly node: NodeProto;
  readonly weight: PrunableWeight;
  /** Dimension of the weight that steps through out channels. */
  readonly outAxis: number;
  /** Dimension of the weight that steps through input channels. */
  readonly inAxis: number;
  readonly outChannels: number;
  readonly inChannels: number;
  /** Kernel positions: in-feature = input channel · positions + position. */
  readonly positions: number;
  /** Which dimension of its input and output the channels are, counted from the last one, which is 0. */
  readonly fromEnd: number;
  /** The value it reads, undefined where that has its channels elsewhere (Gemm with `transA`). */
  readonly input: string | undefined;
  readonly output: string;
  /** Its own bias: Gemm's C, Conv's B; `""` where it has none. */
  readonly bias: string;
  /** Whether a constant input channel is a constant addend of every output: not where zeros are padded. */
  readonly padded: boolean;
}

/** A Conv with a group per channel: it computes every channel from the same one. Its weight is `[channels, 1, kernel…]`. */
export interface DepthwiseNode
  extends Pick<LinearNode, "node" | "weight" | "outChannels" | "fromEnd" | "output" | "bias" | "padded"> {
  readonly kind: "depthwise";
  readonly input: string;
}

/** A reader of a weight; a text that completes "MatMul "x" …" is the reason why channels of it cannot go. */
export type WeightReader = LinearNode | DepthwiseNode | string;

/** The nodes of a main graph that read weights. */
export function linearNodes(index: GraphIndex): ReadonlyMap<NodeProto, WeightReader> {
  const found = new Map<NodeProto, WeightReader>();
  for (const weight of prunableWeights(index.model)) {
    if (!weight.prunable) continue;
    for (const { proto, scope } of weight.consumers) {
      if (scope === "main") found.set(proto, linearNode(proto, weight, index));
    }
  }
  return found;
}

function linearNode(node: NodeProto, weight: PrunableWeight, index: GraphIndex): WeightReader {
  const weightValue = node.input[1] ?? "";
  const { dtype, consumers, groups, outChannels, axisConflict, shape } = weight;
  if (consumers.length > 1 || axisConflict !== undefined) return "reads a weight that others read too";
  const { op, input } = consumers[0]!;
  if (op !== "MatMul" && op !== "Gemm" && op !== "Conv") return "is none of MatMul, Gemm and Conv";
  if (input !== 1) return "has its weight as the left operand";
  if (dtype !== "float32") return `has a weight of ${dtype}`;
  const isDepthwise = op === "Conv" && groups === outChannels && shape[1] === 1 && groups > 1;
  if (groups !== 1 && !isDepthwise) return `has ${groups} groups`;
  if (index.constant(weightValue) !== weight.tensor) return "reads its weight through another node";
  if (index.soleReader(weightValue) !== node) return "reads a weight that others read too";
  if (op !== "Conv" && shape.length !== 2) return `has a weight of ${shape.length} dimensions`;
  if (isDepthwise) return { ...convNode(node, weight), kind: "depthwise", input: node.input[0]! };
  return op === "Conv" ? convNode(node, weight) : productNode(node, weight);
}

function productNode(node: NodeProto, weight: PrunableWeight): LinearNode {
  const isGemm = node.opType === "Gemm";
  const outFirst = isGemm && intAttribute(node, "transB", 0) !== 0;
  return {
    ...sharedParts(node, weight),
    outAxis: outFirst ? 0 : 1,
    inAxis: outFirst ? 1 : 0,
    positions: 1,
    fromEnd: 0,
    input: isGemm && intAttribute(node, "transA", 0) !== 0 ? undefined : node.input[0]!,
    bias: isGemm ? (node.input[2] ?? "") : "",
    padded: false,
  };
}

function convNode(node: NodeProto, weight: PrunableWeight): LinearNode {
  const kernel = weight.shape.slice(2);
  const autoPad = attribute(node, "auto_pad");
  const same = autoPad !== undefined && new TextDecoder().decode(autoPad.s).startsWith("SAME");
  return {
    ...sharedParts(node, weight),
    outAxis: 0,
    inAxis: 1,
    positions: kernel.reduce((product, size) => product * size, 1),
    fromEnd: kernel.length,
    input: node.input[0]!,
    bias: node.input[2] ?? "",
    padded: same || (attribute(node, "pads")?.ints.some((pad) => pad !== 0n) ?? false),
  };
}

function sharedParts(node: NodeProto, weight: PrunableWeight) {
  const positions = weight.shape.slice(2).reduce((product, size) => product * size, 1);
  return {
    kind: "linear" as const,
    node,
    weight,
    output: node.output[0]!,
    outChannels: weight.outChannels,
    inChannels: weight.inFeatures / positions,
  };
}

/** The sentence about a node that stops a removal. */
export function stoppedBy(node: NodeProto, reason: string): string {
  return `${describeNode(node)} ${reason}`;
}
