import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from "onnx-buf";

/** An attribute's value; `{ float }` and `{ floats }` mark whole numbers that ONNX wants as FLOAT or FLOATS. */
export type AttributeValue =
  | number
  | bigint
  | string
  | readonly number[]
  | readonly string[]
  | TensorProto
  | GraphProto
  | { readonly float: number }
  | { readonly floats: readonly number[] };

/**
 * A `NodeProto`.
 *
 * @param inputs value names; `""` leaves an optional input out
 * @param attributes by name, kept in this order: whole numbers become INT or INTS (`[]` too), others FLOAT or FLOATS
 */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  options: { readonly name?: string; readonly domain?: string } = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType: op,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    ...options,
  });
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  return create(AttributeProtoSchema, { name, ...attributeValue(value) });
}

function attributeValue(value: AttributeValue) {
  if (typeof value === "bigint") return { type: AttributeType.INT, i: value };
  if (typeof value === "number") return Number.isInteger(value) ? int(value) : { type: AttributeType.FLOAT, f: value };
  if (typeof value === "string") return { type: AttributeType.STRING, s: utf8(value) };
  if (isStrings(value)) return { type: AttributeType.STRINGS, strings: value.map(utf8) };
  if (isNumbers(value)) return value.every(Number.isInteger) ? ints(value) : floats(value);
  if ("float" in value) return { type: AttributeType.FLOAT, f: value.float };
  if ("floats" in value) return floats(value.floats);
  return value.$typeName === "onnx.TensorProto"
    ? { type: AttributeType.TENSOR, t: value }
    : { type: AttributeType.GRAPH, g: value };
}

function isStrings(value: AttributeValue): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === "string");
}

function isNumbers(value: AttributeValue): value is readonly number[] {
  return Array.isArray(value);
}

function int(value: number) {
  return { type: AttributeType.INT, i: BigInt(value) };
}

function ints(values: readonly number[]) {
  return { type: AttributeType.INTS, ints: values.map(BigInt) };
}

function floats(values: readonly number[]) {
  return { type: AttributeType.FLOATS, floats: [...values] };
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
