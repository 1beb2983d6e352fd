import { type Model, type NodeProto, type TensorProto, TensorProto_DataType, tensorBytes } from "@espalier/onnx";
import { type Dim, fixed, type Shape } from "./dim.js";

/** Entries of a small list of numbers that takes part in computing shapes: a shape, axes, a scale. */
export interface Entries {
  /** Sizes, or a whole number such as -1 as a single factor. */
  readonly values: readonly Dim[];
  /** Whether it is one number of rank 0 rather than a list. */
  readonly scalar: boolean;
}

/** What is known of a value before the model runs. */
export interface KnownValue {
  readonly shape: Shape;
  /** Present for small integers. */
  readonly entries?: Entries;
  /** Present for small lists of float32 constants. */
  readonly floats?: readonly number[];
}

/** Entries up to which constants are looked into: shapes have one for each dimension. */
const MOST_ENTRIES = 64;

/** A whole number as an entry; numbers below 0 mean something special where they stand. */
function wholeNumber(value: number): Dim {
  return fixed(value);
}

/** What is known of a constant tensor. */
export function knownTensor(model: Model, tensor: TensorProto): KnownValue {
  const sizes = tensor.dims.map(Number);
  const shape = sizes.map(fixed);
  const count = sizes.reduce((product, size) => product * size, 1);
  if (count > MOST_ENTRIES || sizes.length > 1) return { shape };
  const scalar = sizes.length === 0;
  switch (tensor.dataType) {
    case TensorProto_DataType.INT64:
      return { shape, entries: entriesOf(new BigInt64Array(tensorBytes(model, tensor).buffer), scalar) };
    case TensorProto_DataType.INT32:
      return { shape, entries: entriesOf(new Int32Array(tensorBytes(model, tensor).buffer), scalar) };
    case TensorProto_DataType.FLOAT:
      return { shape, floats: [...new Float32Array(tensorBytes(model, tensor).buffer)] };
    default:
      return { shape };
  }
}

/** What is known of the output of a `Constant` node; undefined for texts and sparse tensors. */
export function knownConstant(model: Model, node: NodeProto): KnownValue | undefined {
  for (const { name, t, i, ints, f, floats } of node.attribute) {
    if (name === "value" && t !== undefined) return knownTensor(model, t);
    if (name === "value_int") return { shape: [], entries: entriesOf([i], true) };
    if (name === "value_ints") return { shape: [fixed(ints.length)], entries: entriesOf(ints, false) };
    if (name === "value_float") return { shape: [], floats: [f] };
    if (name === "value_floats") return { shape: [fixed(floats.length)], floats: [...floats] };
  }
  return undefined;
}

function entriesOf(numbers: Iterable<number | bigint>, scalar: boolean): Entries {
  return { values: [...numbers].map((number) => wholeNumber(Number(number))), scalar };
}
