import { OnnxError } from "./errors.js";
import { create, TensorProto_DataType as DataType, type TensorProto, TensorProtoSchema } from "./proto.js";

/** Elements of a tensor, row-major; the kind of array decides the data type. */
export type TensorValues = Float32Array | Int32Array | BigInt64Array;

/**
 * A tensor that holds its own data (`raw_data`): float32, int32 or int64.
 *
 * @param dims row-major shape; `[]` is a scalar
 * @param values as many as the shape holds; copied
 * @throws {OnnxError} `shape-mismatch`
 */
export function makeTensor(name: string, dims: readonly number[], values: TensorValues): TensorProto {
  const expected = dims.reduce((product, size) => product * size, 1);
  if (values.length !== expected) {
    const message = `tensor ${JSON.stringify(name)} of shape [${dims.join(", ")}] holds ${expected} values, but there are ${values.length}`;
    throw new OnnxError("shape-mismatch", message);
  }
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: dataTypeOf(values),
    rawData: littleEndianBytes(values),
  });
}

function dataTypeOf(values: TensorValues): DataType {
  if (values instanceof Float32Array) return DataType.FLOAT;
  return values instanceof Int32Array ? DataType.INT32 : DataType.INT64;
}

/** Typed arrays are little-endian wherever Node and browsers run, as `raw_data` is. */
function littleEndianBytes(values: TensorValues): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice() as Uint8Array<ArrayBuffer>;
}
