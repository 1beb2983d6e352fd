import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  makeNode,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "@espalier/onnx";
import { changed } from "../changed.js";

/**
 * The nodes of a function as they stand in the place of a call: inputs and outputs are those of the call, attributes that
 * refer to the call's are these, and everything in between has names of its own.
 *
 * Tensors are the objects of the model, so that they keep their data.
 *
 * @param prefix what no other name starts with
 */
export function bodyOfCall(call: NodeProto, body: FunctionProto, prefix: string): readonly NodeProto[] {
  const names = new Map(body.input.map((name, index) => [name, call.input[index] ?? ""]));
  for (const [index, name] of body.output.entries()) {
    const result = call.output[index] ?? "";
    if (result !== "") names.set(name, result);
  }
  const own = (name: string): string => (name === "" ? "" : `${prefix}/${name}`);
  return nodesInPlace(body.node, { call, body, own, rename: (name) => names.get(name) ?? own(name) });
}

/** What a name in a body, and what an attribute there, stands for. */
interface Frame {
  readonly call: NodeProto;
  readonly body: FunctionProto;
  rename(name: string): string;
  /** A name that only this call has. */
  own(name: string): string;
}

function nodesInPlace(nodes: readonly NodeProto[], frame: Frame): readonly NodeProto[] {
  return nodes.map((node) =>
    changed(node, {
      name: frame.own(node.name),
      input: node.input.map(frame.rename),
      output: node.output.map(frame.rename),
      attribute: node.attribute.flatMap((attribute) => attributeInPlace(attribute, frame)),
    }),
  );
}

function attributeInPlace(attribute: AttributeProto, frame: Frame): readonly AttributeProto[] {
  if (attribute.g !== undefined) return [changed(attribute, { g: graphInPlace(attribute.g, frame) })];
  const { refAttrName, name } = attribute;
  if (refAttrName === "") return [attribute];
  const isMeant = (one: AttributeProto): boolean => one.name === refAttrName;
  const given = frame.call.attribute.find(isMeant) ?? frame.body.attributeProto.find(isMeant);
  return given ? [changed(given, { name })] : [];
}

/** Initializers become Constant nodes: a tensor with another name would be another tensor, without data. */
function graphInPlace(graph: GraphProto, frame: Frame): GraphProto {
  const renamed = (info: ValueInfoProto) => changed(info, { name: frame.rename(info.name) });
  const constant = (tensor: TensorProto) => makeNode("Constant", [], [frame.rename(tensor.name)], { value: tensor });
  return changed(graph, {
    input: graph.input.map(renamed),
    output: graph.output.map(renamed),
    valueInfo: graph.valueInfo.map(renamed),
    initializer: [],
    node: [...graph.initializer.map(constant), ...nodesInPlace(graph.node, frame)],
  });
}
