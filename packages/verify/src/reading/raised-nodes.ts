import {
  type AttributeProto,
  dtypeName,
  type NodeProto,
  type TensorProto,
  tensorBytes,
  tensorValues,
  withFields,
} from "@espalier/onnx";
import type { MainGraph } from "./main-graph.js";
import { isOnnxOperator } from "./operators.js";

/** Attributes that later versions of an operator read as inputs, in the order of these. */
const AS_INPUTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["Clip", ["min", "max"]],
  ["Slice", ["starts", "ends", "axes"]],
]);

/**
 * Nodes of a newer version of ONNX's operators in the form that the original has them in, where constants that they read say what
 * the original's attributes say.
 *
 * @returns such nodes of the judged model with the original's form, and the constants that are not read then
 */
export function loweredVersions(original: MainGraph, judged: MainGraph) {
  const nodes = new Map<NodeProto, NodeProto>();
  const constants = new Set<string>();
  for (const node of judged.nodes) {
    const before = original.producers.get(node.output[0] ?? "");
    const attributes = AS_INPUTS.get(node.opType);
    if (attributes === undefined || before === undefined || !isOnnxOperator(before, node.opType)) continue;
    if (before.input.length > 1 || node.input.length === 1 || !isOnnxOperator(node, node.opType)) continue;
    const [value, ...inputs] = node.input;
    const said = attributes.map((name) => before.attribute.find((one) => one.name === name));
    const isSame = said.every((attribute, index) => says(judged, inputs[index] ?? "", attribute));
    if (!isSame || inputs.length > attributes.length) continue;
    nodes.set(node, withFields(node, { input: [value!], attribute: before.attribute }));
    for (const name of inputs) constants.add(name);
  }
  return { nodes, constants };
}

/** Whether a constant holds what an attribute holds; neither need be there. */
function says({ model, tensors }: MainGraph, name: string, attribute: AttributeProto | undefined): boolean {
  if (name === "" || attribute === undefined) return name === "" && attribute === undefined;
  const tensor = tensors.get(name);
  if (tensor === undefined) return false;
  const numbers = numbersOf(tensor);
  const expected = attribute.ints.length > 0 ? attribute.ints.map(Number) : [attribute.f];
  return (
    numbers !== undefined && numbers.length === expected.length && numbers.every((one, at) => one === expected[at])
  );

  function numbersOf(one: TensorProto): readonly number[] | undefined {
    const dtype = dtypeName(one.dataType);
    if (dtype === "int64") return Array.from(new BigInt64Array(tensorBytes(model, one).buffer), Number);
    return dtype === "float32" ? [...tensorValues(model, one)] : undefined;
  }
}
