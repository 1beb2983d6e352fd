import { dtypeName, elementCount, floatBytes, type TensorProto } from "@espalier/onnx";
import { RecoverError } from "../recover-error.js";

/** Exponents of NaN and infinities of 16-bit numbers. */
const INFINITE_BITS: ReadonlyMap<string, number> = new Map([
  ["float16", 0x7c00],
  ["bfloat16", 0x7f80],
]);

/**
 * Values as a tensor stores them, rounded to its dtype.
 *
 * @param values in buffer order
 * @throws {RecoverError} `bad-option` when there are more or fewer values than elements; `not-finite` where a value is not finite,
 *   or too large for the dtype
 * @throws {OnnxError} `unsupported-dtype` where that is no floating-point number
 */
export function storedBytes(tensor: TensorProto, values: Float32Array | Float64Array): Uint8Array {
  const what = `new values of ${JSON.stringify(tensor.name)}`;
  const count = elementCount(tensor);
  if (values.length !== count)
    throw new RecoverError("bad-option", `${what}: found ${values.length}, expected ${count}`);
  const bytes = floatBytes(tensor, values);
  const dtype = dtypeName(tensor.dataType);
  const index = firstInfinite(bytes, dtype);
  if (index < 0) return bytes;
  throw new RecoverError("not-finite", `${what}: entry ${index} is ${values[index]}, which ${dtype} cannot hold`, {
    index,
  });
}

function firstInfinite({ buffer }: Uint8Array<ArrayBuffer>, dtype: string): number {
  const infinite = INFINITE_BITS.get(dtype);
  if (infinite !== undefined) return new Uint16Array(buffer).findIndex((bits) => (bits & infinite) === infinite);
  const values = dtype === "float64" ? new Float64Array(buffer) : new Float32Array(buffer);
  return values.findIndex((value) => !Number.isFinite(value));
}
