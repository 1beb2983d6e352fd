import { create } from "@bufbuild/protobuf";
import {
  TensorProto_DataType as DataType,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "onnx-buf";

/** ONNX's number for each element type, by the name that Espalier gives it. */
export const dataTypes: Readonly<Record<string, DataType>> = Object.freeze({
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  float16: DataType.FLOAT16,
  bfloat16: DataType.BFLOAT16,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  int16: DataType.INT16,
  uint16: DataType.UINT16,
  int32: DataType.INT32,
  uint32: DataType.UINT32,
  int64: DataType.INT64,
  uint64: DataType.UINT64,
  bool: DataType.BOOL,
  string: DataType.STRING,
});

/** Elements that no typed array of JavaScript names: bit patterns of 16-bit floats, or 0 and 1 for bool. */
export type TensorBits =
  | { readonly dtype: "float16" | "bfloat16"; readonly bits: Uint16Array }
  | { readonly dtype: "bool"; readonly bits: Uint8Array };

/** The elements of a tensor in row-major order; the typed array decides the element type. */
export type TensorElements =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int8Array
  | Uint8Array
  | TensorBits;

/**
 * A `TensorProto`, complete in itself.
 *
 * @param dims row-major shape; `[]` is a scalar
 * @param data as many elements as the shape holds; copied
 * @param storage `raw` puts little-endian bytes into `raw_data`; `typed` uses the field the ONNX spec names for the
 * element type (`float_data`, `double_data`, `int64_data`, and `int32_data` for everything narrower)
 * @throws {RangeError} when the number of elements is not the product of `dims`: build a tensor that contradicts itself
 * by changing `dims` of the result
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, message TensorProto
 */
export function tensor(
  name: string,
  dims: readonly number[],
  data: TensorElements,
  storage: "raw" | "typed" = "raw",
): TensorProto {
  const elements = "bits" in data ? data.bits : data;
  const expected = dims.reduce((product, size) => product * size, 1);
  if (elements.length !== expected) {
    throw new RangeError(
      `tensor ${name}: shape [${dims.join(", ")}] holds ${expected} elements, got ${elements.length}`,
    );
  }
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: dataTypeOf(data),
    ...(storage === "raw" ? { rawData: bytesOf(elements) } : typedField(elements)),
  });
}

/** Where the bytes of a tensor lie outside the model. */
export interface ExternalLocation {
  /** Path relative to the model's folder. */
  readonly location: string;
  /** First byte. */
  readonly offset: number;
  /** Number of bytes. */
  readonly length: number;
}

/**
 * A `TensorProto` whose bytes are in another file. Nothing is checked: tests also build tensors that lie.
 *
 * @param dtype such as `float32`
 * @see https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
 */
export function externalTensor(
  name: string,
  dims: readonly number[],
  dtype: string,
  { location, offset, length }: ExternalLocation,
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: dataTypes[dtype]!,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: "location", value: location },
      { key: "offset", value: `${offset}` },
      { key: "length", value: `${length}` },
    ],
  });
}

function dataTypeOf(data: TensorElements): DataType {
  if ("bits" in data) return dataTypes[data.dtype]!;
  if (data instanceof Float32Array) return DataType.FLOAT;
  if (data instanceof Float64Array) return DataType.DOUBLE;
  if (data instanceof BigInt64Array) return DataType.INT64;
  if (data instanceof Int32Array) return DataType.INT32;
  return data instanceof Int8Array ? DataType.INT8 : DataType.UINT8;
}

/** A copy, because `raw_data` would otherwise change with the caller's array. Typed arrays are little-endian wherever Node runs. */
function bytesOf(elements: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength));
}

function typedField(elements: Exclude<TensorElements, TensorBits> | Uint16Array) {
  if (elements instanceof Float32Array) return { floatData: [...elements] };
  if (elements instanceof Float64Array) return { doubleData: [...elements] };
  if (elements instanceof BigInt64Array) return { int64Data: [...elements] };
  return { int32Data: [...elements] };
}
