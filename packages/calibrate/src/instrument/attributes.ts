import type { AttributeProto, NodeProto } from "@espalier/onnx";

/** The attribute of a node; undefined where it has none of that name. */
function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

/** An INT attribute. */
export function intOf(node: NodeProto, name: string, fallback: number): number {
  const attribute = attributeOf(node, name);
  return attribute === undefined ? fallback : Number(attribute.i);
}

/** An INTS attribute; undefined where the node has none. */
export function intsOf(node: NodeProto, name: string): readonly number[] | undefined {
  return attributeOf(node, name)?.ints.map(Number);
}

/** A STRING attribute; undefined where the node has none. */
export function textOf(node: NodeProto, name: string): string | undefined {
  const attribute = attributeOf(node, name);
  return attribute && new TextDecoder().decode(attribute.s);
}
