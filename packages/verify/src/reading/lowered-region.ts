import {
  type Consumer,
  type ExtractedModel,
  type Model,
  makeValueInfo,
  type NodeProto,
  TensorProto_DataType,
  withTensorData,
} from "@espalier/onnx";
import { RESULT } from "./decode-constant.js";
import type { Graphs } from "./find-decoders.js";
import { MainGraph } from "./main-graph.js";
import { isOnnxOperator } from "./operators.js";

const { FLOAT } = TensorProto_DataType;

/** Operators that a product or convolution may have become: each linear in what comes from the input, with the constants given. */
const LINEAR = [
  ...["MatMul", "Gemm", "Conv", "MatMulInteger", "ConvInteger", "DynamicQuantizeLinear", "DequantizeLinear", "Cast"],
  ...["Gather", "Slice", "Split", "Concat", "Pad", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"],
  ...["Identity", "Shape", "Constant", "Add", "Mul", "Sum", "ScatterND"],
];

/** An operator of the original with a constant operand, and what the judged model has in its place. */
export interface LoweredRegion {
  /** The operator. */
  readonly node: NodeProto;
  /** Nodes of the original in whose place the region stands: `node`, what brings the weight to it, an addition behind it. */
  readonly originals: readonly NodeProto[];
  /** What is multiplied, and what comes out of the region. */
  readonly input: string;
  readonly output: string;
  /** Constants of the original that are added and that the judged model does not have by name: one at most. */
  readonly bias: string | undefined;
  /** Values that are added and that both models have. */
  readonly addends: readonly string[];
  /** The region of the judged model, with `input` and `addends` as its inputs and {@link RESULT} as its output. */
  readonly part: ExtractedModel;
  /** Whether it rounds its input to 8 bits. */
  readonly quantizes: boolean;
}

/** Finds what stands in the place of an operator that reads a weight; or the reason why that cannot be said. */
export function loweredRegion(graphs: Graphs, weight: string, consumer: Consumer): LoweredRegion | string {
  const { original, judged, extract } = graphs;
  const { proto: node, input: position, scope } = consumer;
  if (scope !== "main" || position !== 1 || !isOnnxOperator(node, "MatMul", "Gemm", "Conv")) {
    return `its reader ${quoted(node)} is gone`;
  }
  const originals = [...passagesTo(original, weight, node.input[1]!, judged), node];
  const added = [node.input[2] ?? ""];
  let output = node.output[0]!;
  while (!judged.defines(output)) {
    const [reader, ...more] = original.readers.get(output) ?? [];
    if (reader === undefined || more.length > 0 || !isOnnxOperator(reader.node, "Add")) {
      return `its reader ${quoted(node)} is gone, and with it what it computes`;
    }
    added.push(reader.node.input[1 - reader.input]!);
    originals.push(reader.node);
    output = reader.node.output[0]!;
  }
  const addends = added.filter((name) => name !== "" && judged.defines(name));
  const gone = added.filter((name) => name !== "" && !judged.defines(name));
  if (gone.length > 1) return `its reader ${quoted(node)} and two biases are gone, which cannot be told apart`;
  const input = node.input[0]!;
  const inputs = [...new Set([input, ...addends])].map((name) => makeValueInfo(name, FLOAT));
  const part = extract({ outputs: new Map([[output, makeValueInfo(RESULT, FLOAT)]]), inputs });
  if (part === undefined || part.nodes.length === 0)
    return `what stands in the place of its reader ${quoted(node)} reads other values too`;
  const strange = part.nodes.find((one) => !isOnnxOperator(one, ...LINEAR));
  if (strange !== undefined) {
    return `in the place of its reader ${quoted(node)} stands ${strange.opType}, which is not known to be linear`;
  }
  const quantizes = part.nodes.some((one) => isOnnxOperator(one, "DynamicQuantizeLinear"));
  return { node, originals, input, output, bias: gone[0], addends, part, quantizes };
}

/** The nodes that bring a weight to its reader and that the judged model does not have. */
function passagesTo(original: MainGraph, weight: string, value: string, judged: MainGraph): NodeProto[] {
  const nodes: NodeProto[] = [];
  for (let name = value; name !== weight && !judged.defines(name); ) {
    const node = original.producers.get(name);
    if (node === undefined) break;
    nodes.unshift(node);
    name = node.input[0] ?? "";
  }
  return nodes;
}

/** A region without the constants that it adds, so that what comes out of it for a single 1 is an entry of the weight itself. */
export function withoutAdditions({ part }: LoweredRegion): Model {
  const graph = new MainGraph(part.model);
  const added = graph.nodes.flatMap((node) => {
    if (isOnnxOperator(node, "Conv", "Gemm")) return node.input.slice(2);
    return isOnnxOperator(node, "Add", "Sum") ? node.input : [];
  });
  const tensors = added.flatMap((name) => graph.tensors.get(name) ?? []).filter(({ dataType }) => dataType === FLOAT);
  const zeros = (dims: readonly bigint[]) => () =>
    new Uint8Array(4 * dims.reduce((product, size) => product * Number(size), 1));
  return withTensorData(part.model, new Map(tensors.map((tensor) => [tensor, zeros(tensor.dims)])));
}

function quoted(node: NodeProto): string {
  return `${node.opType} "${node.name || node.output[0]}"`;
}
