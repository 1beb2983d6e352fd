import { dtypeName } from "../dtype.js";
import type { TensorProto } from "../proto.js";
import type { AttributeResolver, Place } from "./call-frame.js";
import { normalDomain } from "./node-names.js";
import { definingScope } from "./scope.js";

/** Steps back through Identity nodes and function calls; real constants are one or two away. */
const MAX_STEPS = 64;

/** A constant: a tensor, or the integers that a `Constant` node has as an attribute. */
export type ConstantValue =
  | { readonly kind: "tensor"; readonly tensor: TensorProto }
  | { readonly kind: "integers"; readonly integers: readonly number[] };

/** Finds the constant behind a value name, through Identity and through the inputs of a call; undefined where it is computed. */
export function constantAt(from: Place, value: string, resolver: AttributeResolver): ConstantValue | undefined {
  let place = from;
  let name = value;
  for (let step = 0; step < MAX_STEPS; step++) {
    const scope = definingScope(place.scope, name);
    const definition = scope?.definitions.get(name);
    if (scope === undefined || definition === undefined || scope.ambiguous.has(name)) return undefined;
    place = { scope, frame: place.frame };
    if (definition.kind === "initializer") return { kind: "tensor", tensor: definition.tensor };
    if (definition.kind === "sparse") return undefined;
    if (definition.kind === "input") {
      const { frame } = place;
      if (scope.kind !== "function" || frame === undefined) return undefined;
      name = frame.node.input[definition.position] ?? "";
      place = { scope: frame.scope, frame: frame.outer };
      continue;
    }
    const { node } = definition;
    if (normalDomain(node.domain) !== "") return undefined;
    if (node.opType === "Constant") return constantNodeValue(place, definition.node.attribute, resolver);
    if (node.opType !== "Identity") return undefined;
    name = node.input[0] ?? "";
  }
  return undefined;
}

function constantNodeValue(
  place: Place,
  attributes: Parameters<AttributeResolver["resolve"]>[0],
  resolver: AttributeResolver,
): ConstantValue | undefined {
  const resolved = resolver.resolve(attributes, place);
  if (typeof resolved === "string") return undefined;
  const tensor = resolved.get("value")?.t;
  if (tensor) return { kind: "tensor", tensor };
  const list = resolved.get("value_ints")?.ints;
  if (list) return { kind: "integers", integers: list.map(Number) };
  const one = resolved.get("value_int")?.i;
  return one === undefined ? undefined : { kind: "integers", integers: [Number(one)] };
}

/**
 * The integers of a constant shape or list of axes.
 *
 * @param limit most entries it may have; a longer one is nothing that names dimensions, and is not read
 */
export function integersOf(
  constant: ConstantValue,
  limit: number,
  bytesOf: (tensor: TensorProto) => Uint8Array,
): readonly number[] | undefined {
  if (constant.kind === "integers") return constant.integers.length <= limit ? constant.integers : undefined;
  const { tensor } = constant;
  const dtype = dtypeName(tensor.dataType);
  const [count = 1n] = tensor.dims;
  const isList = tensor.dims.length <= 1 && count >= 0n && count <= BigInt(limit);
  if (!isList || (dtype !== "int64" && dtype !== "int32")) return undefined;
  const bytes = bytesOf(tensor);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entry = (index: number) =>
    dtype === "int64" ? Number(data.getBigInt64(index * 8, true)) : data.getInt32(index * 4, true);
  return Array.from({ length: Number(count) }, (_, index) => entry(index));
}
