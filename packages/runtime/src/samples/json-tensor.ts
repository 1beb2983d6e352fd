import { isStrings, makeTensor, zeros } from "../dtype-arrays.js";
import { bfloat16Bits, float16Bits } from "../float-bits.js";
import type { Dtype, Tensor, TensorData } from "../tensor.js";

/** Deeper nesting than any tensor: ends the recursion on hostile input. */
const MAX_RANK = 16;

const INTEGER_RANGES: Readonly<Partial<Record<Dtype, readonly [number, number]>>> = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  uint8: [0, 2 ** 8 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  uint16: [0, 2 ** 16 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  // JSON numbers become doubles: beyond 2⁵³ the digits in the file may already be lost.
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

/** Nested arrays with their shape, leaves in row-major order. */
export interface FlatJson {
  readonly dims: readonly number[];
  readonly leaves: readonly unknown[];
}

/**
 * Flattens nested JSON arrays; a value that is no array is a scalar (`dims` `[]`).
 *
 * @returns the shape and the leaves, or what is wrong as text: rows of different lengths, or too many levels
 */
export function flattenJson(value: unknown): FlatJson | string {
  const dims = shapeOf(value);
  if (dims.length > MAX_RANK) return `more than ${MAX_RANK} levels of arrays`;
  const leaves: unknown[] = [];
  return collect(value, dims, 0, leaves) ? { dims, leaves } : "rows of different lengths within one sample";
}

function shapeOf(value: unknown): readonly number[] {
  const dims: number[] = [];
  for (let level = value; Array.isArray(level) && dims.length <= MAX_RANK; level = level[0]) dims.push(level.length);
  return dims;
}

function collect(value: unknown, dims: readonly number[], axis: number, leaves: unknown[]): boolean {
  if (axis === dims.length) {
    leaves.push(value);
    return !Array.isArray(value);
  }
  if (!Array.isArray(value) || value.length !== dims[axis]) return false;
  return value.every((item) => collect(item, dims, axis + 1, leaves));
}

/**
 * Leaves as a tensor. Numbers are rounded to the dtype once, to nearest; nothing is clipped or wrapped.
 *
 * @returns the tensor, or what is wrong as text: a leaf of another kind, out of range, or too large for the float type
 */
export function leavesToTensor(dtype: Dtype, dims: readonly number[], leaves: readonly unknown[]): Tensor | string {
  const data = dtype === "string" ? [] : zeros(dtype, leaves.length);
  for (let i = 0; i < leaves.length; i++) {
    const problem = putLeaf(dtype, data, i, leaves[i]);
    if (problem !== undefined) return `${problem}, found ${JSON.stringify(leaves[i])?.slice(0, 60)} at index ${i}`;
  }
  return makeTensor(dtype, dims, data);
}

function putLeaf(dtype: Dtype, data: TensorData[Dtype], i: number, leaf: unknown): string | undefined {
  if (isStrings(data)) {
    if (typeof leaf !== "string") return "expected a text";
    (data as string[])[i] = leaf;
    return undefined;
  }
  if (dtype === "bool") {
    if (leaf !== true && leaf !== false && leaf !== 0 && leaf !== 1) return "expected true, false, 0 or 1";
    data[i] = Number(leaf);
    return undefined;
  }
  if (typeof leaf !== "number") return "expected a number";
  const range = INTEGER_RANGES[dtype];
  if (range !== undefined) return putInteger(data, i, leaf, range);
  return putFloat(dtype, data as Float64Array, i, leaf);
}

function putInteger(data: TensorData[Dtype], i: number, leaf: number, [low, high]: readonly [number, number]) {
  if (!Number.isInteger(leaf) || leaf < low || leaf > high) return `expected an integer from ${low} to ${high}`;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(leaf);
  else (data as Int32Array)[i] = leaf;
  return undefined;
}

function putFloat(dtype: Dtype, data: Float64Array, i: number, leaf: number): string | undefined {
  if (dtype === "float16" || dtype === "bfloat16") {
    const bits = dtype === "float16" ? float16Bits(leaf) : bfloat16Bits(leaf);
    const infinity = dtype === "float16" ? 0x7c00 : 0x7f80;
    data[i] = bits;
    return (bits & 0x7fff) < infinity ? undefined : `expected a number that ${dtype} can hold`;
  }
  data[i] = leaf;
  return Number.isFinite(data[i]) ? undefined : `expected a number that ${dtype} can hold`;
}

/** The dtype for leaves whose type nobody states: int64 for integers, float64, bool, or text; `undefined` for a mixture. */
export function guessDtype(leaves: readonly unknown[]): Dtype | undefined {
  if (leaves.every((leaf) => Number.isSafeInteger(leaf))) return "int64";
  const kinds = new Set(leaves.map((leaf) => typeof leaf));
  const [kind] = kinds;
  if (kinds.size !== 1) return undefined;
  return ({ number: "float64", boolean: "bool", string: "string" } as const)[kind as "number" | "boolean" | "string"];
}
