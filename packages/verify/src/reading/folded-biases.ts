import type { NodeProto } from "@espalier/onnx";
import type { MainGraph } from "./main-graph.js";
import { isOnnxOperator } from "./operators.js";
import type { Reading } from "./reading.js";

/**
 * Constants of the original that are added to what an operator computes whose weight has fewer input channels in the judged
 * model. A channel that had one value whatever the input may have gone into them; how it was computed is not looked at.
 */
export function foldedBiases(original: MainGraph, { tensors }: Reading): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name, how, dims, original: before } of tensors.values()) {
    if (how !== "narrowed" || dims === undefined) continue;
    for (const { node, input } of original.readers.get(name) ?? []) {
      const axis = input === 1 ? inputAxis(node) : undefined;
      if (axis === undefined || Number(before.dims[axis]) === dims[axis]) continue;
      for (const bias of addedBehind(original, node)) names.add(bias);
    }
  }
  return names;
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
