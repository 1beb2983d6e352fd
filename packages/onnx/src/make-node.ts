import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  create,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from "./proto.js";

/** An attribute's value: a bigint or a list of them is INT or INTS, a number FLOAT, a text STRING, a tensor TENSOR. */
export type AttributeInit = bigint | readonly bigint[] | number | string | TensorProto;

/** Options of {@link makeNode}. */
export interface NodeOptions {
  /** @default the first output */
  readonly name?: string;
  /** @default "", ONNX's own operators */
  readonly domain?: string;
}

/**
 * A node.
 *
 * @param inputs names of values; `""` leaves an optional input out
 * @param outputs names of values, new ones
 * @param attributes by name, kept in this order
 */
export function makeNode(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeInit>> = {},
  options: NodeOptions = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType: op,
    input: [...inputs],
    output: [...outputs],
    name: options.name ?? outputs[0] ?? "",
    ...(options.domain !== undefined && { domain: options.domain }),
    attribute: Object.entries(attributes).map(([name, value]) => makeAttribute(name, value)),
  });
}

function makeAttribute(name: string, value: AttributeInit): AttributeProto {
  return create(AttributeProtoSchema, { name, ...typedValue(value) });
}

function typedValue(value: AttributeInit) {
  if (typeof value === "bigint") return { type: AttributeType.INT, i: value };
  if (typeof value === "number") return { type: AttributeType.FLOAT, f: value };
  if (typeof value === "string")
    return { type: AttributeType.STRING, s: new Uint8Array(new TextEncoder().encode(value)) };
  if (isList(value)) return { type: AttributeType.INTS, ints: [...value] };
  return { type: AttributeType.TENSOR, t: value };
}

function isList(value: AttributeInit): value is readonly bigint[] {
  return Array.isArray(value);
}
