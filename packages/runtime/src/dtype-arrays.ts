import type { Dtype, Tensor, TensorData } from "./tensor.js";

/** Any array of numbers that can hold a tensor. */
export type NumericArray = Exclude<TensorData[Dtype], readonly string[]>;

/** The array class of every dtype but `string`. */
export const ARRAY_CLASSES = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const satisfies Record<Exclude<Dtype, "string">, unknown>;

/** Whether a text names a dtype. */
export function isDtype(name: string): name is Dtype {
  return name === "string" || Object.hasOwn(ARRAY_CLASSES, name);
}

/** Puts a tensor together whose dtype is only known at run time. The caller has made `data` with the class of the dtype. */
export function makeTensor(dtype: Dtype, dims: readonly number[], data: TensorData[Dtype]): Tensor {
  return { dtype, dims, data } as Tensor;
}

/** `length` zeros of a dtype. */
export function zeros(dtype: Exclude<Dtype, "string">, length: number): NumericArray {
  return new ARRAY_CLASSES[dtype](length);
}

/** Elements `start` to `end` (exclusive): a view for numbers, a copy for strings. */
export function subData(data: TensorData[Dtype], start: number, end: number): TensorData[Dtype] {
  return isStrings(data) ? data.slice(start, end) : data.subarray(start, end);
}

/** Narrows data to that of a `string` tensor. */
export function isStrings(data: TensorData[Dtype]): data is readonly string[] {
  return Array.isArray(data);
}
