import { elementSize } from "./dtype.js";
import { OnnxError } from "./errors.js";
import { create, TensorProto_DataType as DataType, type TensorProto, TensorProtoSchema } from "./proto.js";

/** Elements of a tensor, row-major; the kind of array decides the data type, or it is said with the bytes of `raw_data`. */
export type TensorValues =
  | Float32Array
  | Int32Array
  | BigInt64Array
  | { readonly dataType: number; readonly bytes: Uint8Array };

/**
 * A tensor that holds its own data (`raw_data`).
 *
 * @param dims row-major shape; `[]` is a scalar
 * @param values as many as the shape holds; copied
 * @throws {OnnxError} `shape-mismatch`; `unsupported-dtype` for a data type without a fixed size
 */
export function makeTensor(name: string, dims: readonly number[], values: TensorValues): TensorProto {
  const count = dims.reduce((product, size) => product * size, 1);
  const isRaw = "bytes" in values;
  const expected = isRaw ? Math.ceil(count * elementSize(values.dataType)) : count;
  const found = isRaw ? values.bytes.length : values.length;
  if (found !== expected) {
    const unit = isRaw ? "bytes" : "values";
    const message = `tensor ${JSON.stringify(name)} of shape [${dims.join(", ")}] holds ${expected} ${unit}, but there are ${found}`;
    throw new OnnxError("shape-mismatch", message);
  }
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: dataTypeOf(values),
    rawData: littleEndianBytes("bytes" in values ? values.bytes : values),
  });
}

function dataTypeOf(values: TensorValues): number {
  if ("bytes" in values) return values.dataType;
  if (values instanceof Float32Array) return DataType.FLOAT;
  return values instanceof Int32Array ? DataType.INT32 : DataType.INT64;
}

/** Typed arrays are little-endian wherever Node and browsers run, as `raw_data` is. */
function littleEndianBytes(values: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice() as Uint8Array<ArrayBuffer>;
}
