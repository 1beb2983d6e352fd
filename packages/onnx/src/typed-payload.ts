import { OnnxError } from "./errors.js";
import { TensorProto_DataType as DataType, type TensorProto } from "./proto.js";
import { quote } from "./quote.js";
import { TensorField } from "./wire-plan.js";

/** How the values of a typed list field (`float_data`, `int32_data`, …) become the bytes of `raw_data`. */
export interface TypedField {
  readonly field: number;
  /** Bytes in `raw_data` that one number of the list stands for. */
  readonly bytesPerNumber: number;
}

const SHORT = new Set<number>([DataType.FLOAT16, DataType.BFLOAT16, DataType.INT16, DataType.UINT16]);

/**
 * The list field that holds a data type's values when `raw_data` does not.
 *
 * Everything below 32 bits is in `int32_data`, one number for each element, except 4-bit and 2-bit types: there one
 * number is one byte of packed elements. A complex number is two numbers.
 *
 * @see onnx.proto, comments of TensorProto.float_data … uint64_data
 */
export function typedField(dataType: number): TypedField {
  switch (dataType) {
    case DataType.FLOAT:
    case DataType.COMPLEX64:
      return { field: TensorField.floatData, bytesPerNumber: 4 };
    case DataType.DOUBLE:
    case DataType.COMPLEX128:
      return { field: TensorField.doubleData, bytesPerNumber: 8 };
    case DataType.INT64:
      return { field: TensorField.int64Data, bytesPerNumber: 8 };
    case DataType.UINT64:
      return { field: TensorField.uint64Data, bytesPerNumber: 8 };
    case DataType.UINT32:
      return { field: TensorField.uint64Data, bytesPerNumber: 4 };
    case DataType.INT32:
      return { field: TensorField.int32Data, bytesPerNumber: 4 };
    default:
      return { field: TensorField.int32Data, bytesPerNumber: SHORT.has(dataType) ? 2 : 1 };
  }
}

/** Writes the low `size` bytes of a 64-bit number, little-endian. */
export function putNumber(target: Uint8Array, at: number, size: number, low: number, high: number): void {
  for (let index = 0; index < Math.min(size, 4); index++) target[at + index] = low >>> (8 * index);
  for (let index = 4; index < size; index++) target[at + index] = high >>> (8 * (index - 4));
}

/** The error of a tensor whose data is in a field that its data type does not use. */
export function wrongField(tensor: TensorProto, field: number): OnnxError {
  const names: Readonly<Record<number, string>> = {
    4: "float_data",
    5: "int32_data",
    7: "int64_data",
    9: "raw_data",
    10: "double_data",
    11: "uint64_data",
  };
  return new OnnxError(
    "malformed",
    `tensor ${quote(tensor.name)} has its data in ${names[field]}, which data type ${tensor.dataType} does not use`,
  );
}
