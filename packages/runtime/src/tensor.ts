/** The array that holds the elements of a tensor, by dtype. Row-major, one entry per element. */
export interface TensorData {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  /** The 16 bits of each number: JavaScript engines have no float16 array everywhere. */
  readonly float16: Uint16Array;
  /** The upper 16 bits of a float32. Sample files may hold it; ONNX Runtime's JavaScript API cannot pass it. */
  readonly bfloat16: Uint16Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly int16: Int16Array;
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
  readonly int64: BigInt64Array;
  readonly uint64: BigUint64Array;
  /** One byte an element, 0 or 1. */
  readonly bool: Uint8Array;
  readonly string: readonly string[];
}

/** Element types of tensors, named as ONNX Runtime names them. */
export type Dtype = keyof TensorData;

/** A tensor of one dtype. */
export interface TensorOf<D extends Dtype> {
  readonly dtype: D;
  /** Sizes, outermost first; `[]` is a scalar, a 0 makes it empty. */
  readonly dims: readonly number[];
  /** As many elements as the product of `dims`. */
  readonly data: TensorData[D];
}

/** A tensor: `dtype` tells which array `data` is. */
export type Tensor = { [D in Dtype]: TensorOf<D> }[Dtype];

/** An input or output of a model. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /**
   * A number is a fixed size, a text the name of a symbolic one, `null` a size without a name.
   * `[]` is a scalar *or* a value whose rank the model does not state: ONNX Runtime reports both alike and accepts any rank.
   */
  readonly dims: readonly (number | string | null)[];
}

/** One feed of a model: input name → tensor. Dims include the batch axis, which is the first one. */
export type Sample = Readonly<Record<string, Tensor>>;

/** Number of elements of a tensor with these dims: their product, 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** `float32 [N, 3, ?]`, for messages. */
export function describeType(type: {
  readonly dtype: string;
  readonly dims: readonly (number | string | null)[];
}): string {
  return `${type.dtype} [${type.dims.map((dim) => dim ?? "?").join(", ")}]`;
}
