import { type DtypeName, dtypeName } from "./dtype.js";
import { OnnxError } from "./errors.js";
import type { TensorProto } from "./proto.js";
import { quote } from "./quote.js";

/**
 * Numbers as the bytes of a floating-point tensor, little-endian as `tensorBytes` returns them: rounded once to the nearest
 * value of its type, ties to even; beyond the largest it is ±Infinity. The inverse of `tensorValues`.
 *
 * @returns fresh bytes
 * @throws {OnnxError} `unsupported-dtype` for tensors of other types
 */
export function floatBytes(tensor: TensorProto, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const dtype = dtypeName(tensor.dataType);
  const narrowed = narrow(dtype, values);
  if (narrowed !== undefined) return new Uint8Array(narrowed.buffer);
  throw new OnnxError("unsupported-dtype", `tensor ${quote(tensor.name)} holds ${dtype}, not floating-point numbers`);
}

function narrow(dtype: DtypeName, values: ArrayLike<number>) {
  if (dtype === "float32") return Float32Array.from(values);
  if (dtype === "float64") return Float64Array.from(values);
  if (dtype === "float16") return Uint16Array.from(values, (value) => roundedBits(value, 10, 5));
  if (dtype === "bfloat16") return Uint16Array.from(values, (value) => roundedBits(value, 7, 8));
  return undefined;
}

const DOUBLE = new Float64Array(1);
/** The same 8 bytes, the exponent in the second: JavaScript engines run on little-endian machines. */
const WORDS = new Uint32Array(DOUBLE.buffer);

/**
 * IEEE 754 bits with one sign bit. Every scaling is by a power of two within the range of doubles, so only one step rounds.
 */
function roundedBits(value: number, fractionBits: number, exponentBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = (2 ** exponentBits - 1) * 2 ** fractionBits;
  const sign = value < 0 || Object.is(value, -0) ? 2 ** (fractionBits + exponentBits) : 0;
  if (Number.isNaN(value)) return infinity + 2 ** (fractionBits - 1);
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return sign + infinity;
  const exponent = Math.max(binaryExponent(size), 1 - bias);
  // In units of the last place: below 2 ** fractionBits it is subnormal, and a carry moves into the exponent by itself.
  const units = roundedToEven(size / 2 ** (exponent - fractionBits));
  return sign + Math.min(units + (exponent + bias - 1) * 2 ** fractionBits, infinity);
}

/** The exponent that a double is stored with, `⌊log2 size⌋`; below all exponents of halves for the subnormals of doubles. */
function binaryExponent(size: number): number {
  DOUBLE[0] = size;
  return ((WORDS[1]! >>> 20) & 0x7ff) - 1023;
}

function roundedToEven(size: number): number {
  const floor = Math.floor(size);
  const rest = size - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
