import type { DtypeName } from "../dtype.js";
import { dtypeName } from "../dtype.js";
import type { TensorProto } from "../proto.js";
import { elementCount } from "../tensor-size.js";
import { type Dequantization, parameterIndex } from "./dequantization.js";

/** A tensor's bytes as `tensorBytes` gives them: canonical, fresh, at the start of a buffer of their own. */
export type BytesOf = (tensor: TensorProto) => Uint8Array;

/** The same bytes as `tensorChunks` gives them: pieces that each start a buffer. */
export type ChunksOf = (tensor: TensorProto) => Iterable<Uint8Array>;

/**
 * Floating-point values from little-endian bytes: float32, float16 and bfloat16 exactly as f32, float64 as f64.
 *
 * @param chunks pieces that are aligned for their type and hold whole elements
 * @param length number of values
 * @param into memory for the values, used where it is large enough
 */
export function floatValues(
  chunks: Iterable<Uint8Array>,
  dtype: DtypeName,
  length: number,
  into?: ArrayBuffer,
): Float32Array | Float64Array {
  const values = dtype === "float64" ? float64In(into, length) : float32In(into, length);
  if (dtype === "float16" || dtype === "bfloat16") widenHalves(chunks, dtype, values);
  else copyBytes(chunks, new Uint8Array(values.buffer, 0, values.byteLength));
  return values;
}

function float64In(into: ArrayBuffer | undefined, length: number): Float64Array {
  return into !== undefined && into.byteLength >= 8 * length
    ? new Float64Array(into, 0, length)
    : new Float64Array(length);
}

function float32In(into: ArrayBuffer | undefined, length: number): Float32Array {
  return into !== undefined && into.byteLength >= 4 * length
    ? new Float32Array(into, 0, length)
    : new Float32Array(length);
}

function copyBytes(chunks: Iterable<Uint8Array>, target: Uint8Array): void {
  let at = 0;
  for (const chunk of chunks) {
    target.set(chunk, at);
    at += chunk.length;
  }
}

function widenHalves(chunks: Iterable<Uint8Array>, dtype: "float16" | "bfloat16", values: ArrayBufferView): void {
  const bits = new Uint32Array(values.buffer, 0, values.byteLength / 4);
  const widen = dtype === "float16" ? widenFloat16 : widenBfloat16;
  let first = 0;
  for (const chunk of chunks) {
    const halves = new Uint16Array(chunk.buffer, chunk.byteOffset, chunk.byteLength / 2);
    for (let index = 0; index < halves.length; index++) bits[first + index] = widen(halves[index]!);
    first += halves.length;
  }
}

function widenBfloat16(half: number): number {
  return half << 16;
}

/** Float32 bits of float16 bits; subnormals, infinities and the payloads of NaN included. */
function widenFloat16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal is fraction · 2⁻²⁴: shift its leading bit out of the 10 (22 of 32) into the implied place.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/**
 * `(stored − zero point) · scale`, each rounded once to f32, as DequantizeLinear computes it.
 *
 * @param chunks pieces of the stored integers
 * @param length number of values
 * @param into memory for the values, used where it is large enough
 */
export function dequantizedValues(
  chunks: Iterable<Uint8Array>,
  dtype: "int8" | "uint8",
  { scale, zeroPoint, parameters }: Dequantization,
  bytesOf: BytesOf,
  length: number,
  into?: ArrayBuffer,
): Float32Array {
  const scales = floatValues([bytesOf(scale)], dtypeName(scale.dataType), elementCount(scale));
  const zeros = zeroPoint && integerValues(bytesOf(zeroPoint), dtype);
  const values = float32In(into, length);
  let first = 0;
  for (const chunk of chunks) {
    const stored = integerValues(chunk, dtype);
    for (let index = 0; index < stored.length; index++) {
      const parameter = parameters.length === 0 ? 0 : parameterIndex(parameters, first + index);
      // The product of a 9-bit integer and a 24-bit significand is exact in f64: storing it rounds once.
      values[first + index] = (stored[index]! - (zeros?.[parameter] ?? 0)) * scales[parameter]!;
    }
    first += stored.length;
  }
  return values;
}

/** The zero point of every buffer index; reads the zero points on the first call. */
export function zeroPointAt(
  dtype: "int8" | "uint8",
  { zeroPoint, parameters }: Dequantization,
  bytesOf: BytesOf,
): ((index: number) => number) | undefined {
  if (zeroPoint === undefined) return undefined;
  let zeros: Int8Array | Uint8Array | undefined;
  return (index) => {
    zeros ??= integerValues(bytesOf(zeroPoint), dtype);
    return zeros[parameterIndex(parameters, index)]!;
  };
}

function integerValues(bytes: Uint8Array, dtype: "int8" | "uint8"): Int8Array | Uint8Array {
  return dtype === "int8" ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
}
