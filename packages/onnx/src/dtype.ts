import { OnnxError } from "./errors.js";
import { TensorProto_DataType as DataType } from "./proto.js";

/** Element type of a tensor, by the name its values have in code. */
export type DtypeName =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool"
  | "string"
  | "complex64"
  | "complex128"
  | "float8e4m3fn"
  | "float8e4m3fnuz"
  | "float8e5m2"
  | "float8e5m2fnuz"
  | "float8e8m0"
  | "float4e2m1"
  | "int4"
  | "uint4"
  | "int2"
  | "uint2"
  | "undefined";

interface Dtype {
  readonly name: DtypeName;
  /** Bits of one element; 0 where elements have no fixed size. */
  readonly bits: number;
}

const DTYPES: ReadonlyMap<number, Dtype> = new Map<number, Dtype>([
  [DataType.UNDEFINED, { name: "undefined", bits: 0 }],
  [DataType.FLOAT, { name: "float32", bits: 32 }],
  [DataType.UINT8, { name: "uint8", bits: 8 }],
  [DataType.INT8, { name: "int8", bits: 8 }],
  [DataType.UINT16, { name: "uint16", bits: 16 }],
  [DataType.INT16, { name: "int16", bits: 16 }],
  [DataType.INT32, { name: "int32", bits: 32 }],
  [DataType.INT64, { name: "int64", bits: 64 }],
  [DataType.STRING, { name: "string", bits: 0 }],
  [DataType.BOOL, { name: "bool", bits: 8 }],
  [DataType.FLOAT16, { name: "float16", bits: 16 }],
  [DataType.DOUBLE, { name: "float64", bits: 64 }],
  [DataType.UINT32, { name: "uint32", bits: 32 }],
  [DataType.UINT64, { name: "uint64", bits: 64 }],
  [DataType.COMPLEX64, { name: "complex64", bits: 64 }],
  [DataType.COMPLEX128, { name: "complex128", bits: 128 }],
  [DataType.BFLOAT16, { name: "bfloat16", bits: 16 }],
  [DataType.FLOAT8E4M3FN, { name: "float8e4m3fn", bits: 8 }],
  [DataType.FLOAT8E4M3FNUZ, { name: "float8e4m3fnuz", bits: 8 }],
  [DataType.FLOAT8E5M2, { name: "float8e5m2", bits: 8 }],
  [DataType.FLOAT8E5M2FNUZ, { name: "float8e5m2fnuz", bits: 8 }],
  [DataType.UINT4, { name: "uint4", bits: 4 }],
  [DataType.INT4, { name: "int4", bits: 4 }],
  [DataType.FLOAT4E2M1, { name: "float4e2m1", bits: 4 }],
  [DataType.FLOAT8E8M0, { name: "float8e8m0", bits: 8 }],
  [DataType.UINT2, { name: "uint2", bits: 2 }],
  [DataType.INT2, { name: "int2", bits: 2 }],
]);

/**
 * Name of a `TensorProto.data_type` value.
 *
 * @param dataType number as stored in the file
 * @returns the name, `"undefined"` for 0 and for numbers that this version of ONNX does not define
 */
export function dtypeName(dataType: number): DtypeName {
  return DTYPES.get(dataType)?.name ?? "undefined";
}

/**
 * Size of one element in bytes, as it lies in `raw_data`: 4 for float32, 1 for bool, 0.5 for int4 and 0.25 for int2
 * (several elements share a byte, the first in the lowest bits).
 *
 * @param dataType number as stored in the file
 * @throws {OnnxError} `unsupported-dtype` for strings, 0 and unknown numbers, whose elements have no fixed size
 */
export function elementSize(dataType: number): number {
  const bits = DTYPES.get(dataType)?.bits ?? 0;
  if (bits === 0) {
    throw new OnnxError(
      "unsupported-dtype",
      `data type ${dataType} (${dtypeName(dataType)}) has no fixed element size`,
    );
  }
  return bits / 8;
}
