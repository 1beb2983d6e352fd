import { type NodeProto, withFields } from "@espalier/onnx";
import { listText } from "../list-text.js";
import type { MainGraph } from "./main-graph.js";
import { isOnnxOperator } from "./operators.js";
import type { Reading } from "./reading.js";

/**
 * Constants of the original that are added to what an operator computes whose weight has fewer input channels in the judged
 * model. A channel that had one value whatever the input may have gone into them; how it was computed is not looked at.
 */
export function foldedBiases(original: MainGraph, reading: Reading): ReadonlySet<string> {
  const nodes = narrowedReaders(original, reading);
  return new Set(nodes.flatMap((node) => addedBehind(original, node)));
}

/**
 * Biases of the judged model that such operators have and the original's do not.
 *
 * @returns the judged model's nodes without them, and their names
 */
export function addedBiases(original: MainGraph, judged: MainGraph, reading: Reading) {
  const nodes = new Map<NodeProto, NodeProto>();
  const constants = new Set<string>();
  for (const before of narrowedReaders(original, reading)) {
    const node = judged.counterpart(before);
    const bias = node?.input[2] ?? "";
    if (node === undefined || before.opType === "MatMul" || before.input[2] || !judged.tensors.has(bias)) continue;
    nodes.set(node, withFields(node, { input: [...before.input] }));
    constants.add(bias);
  }
  const names = listText([...constants].map((name) => `"${name}"`));
  const notes = constants.size === 0 ? [] : [`removed channels may have become new biases: ${names} (outputs decide)`];
  return { nodes, constants, notes };
}

/** Operators of the original whose weight lost input channels. */
function narrowedReaders({ readers }: MainGraph, { tensors }: Reading): NodeProto[] {
  return [...tensors.values()].flatMap(({ name, dims, original }) =>
    (readers.get(name) ?? []).flatMap(({ node, input }) => {
      const axis = input === 1 ? inputAxis(node) : undefined;
      const isNarrowed = axis !== undefined && dims !== undefined && dims[axis] !== Number(original.dims[axis]);
      return isNarrowed ? [node] : [];
    }),
  );
}

/** The axis of the second operand that input channels lie along. */
function inputAxis(node: NodeProto): number | undefined {
  if (isOnnxOperator(node, "MatMul")) return 0;
  if (isOnnxOperator(node, "Conv")) return 1;
  if (!isOnnxOperator(node, "Gemm")) return undefined;
  return node.attribute.some(({ name, i }) => name === "transB" && i !== 0n) ? 1 : 0;
}

function addedBehind({ readers, tensors }: MainGraph, node: NodeProto): string[] {
  const own = node.opType === "MatMul" ? [] : node.input.slice(2);
  const behind = (readers.get(node.output[0]!) ?? []).flatMap((reader) =>
    isOnnxOperator(reader.node, "Add") ? [reader.node.input[1 - reader.input]!] : [],
  );
  return [...own, ...behind].filter((name) => tensors.has(name));
}
