import type { DtypeName } from "../dtype.js";
import { dtypeName } from "../dtype.js";
import type { TensorProto } from "../proto.js";
import { type Dequantization, parameterIndex } from "./dequantization.js";

/** A tensor's bytes as `tensorBytes` gives them: canonical, fresh, at the start of a buffer of their own. */
export type BytesOf = (tensor: TensorProto) => Uint8Array;

/**
 * Floating-point values from little-endian bytes: float32, float16 and bfloat16 exactly as f32, float64 as f64.
 *
 * @param bytes aligned for their type; float32 and float64 values are laid over them, so that a weight is in memory once
 */
export function floatValues(bytes: Uint8Array, dtype: DtypeName): Float32Array | Float64Array {
  if (dtype === "float64") return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  if (dtype === "float32") return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  const bits = new Uint32Array(halves.length);
  const widen = dtype === "float16" ? widenFloat16 : widenBfloat16;
  for (let index = 0; index < halves.length; index++) bits[index] = widen(halves[index]!);
  return new Float32Array(bits.buffer);
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

/** `(stored − zero point) · scale`, each rounded once to f32, as DequantizeLinear computes it. */
export function dequantizedValues(
  bytes: Uint8Array,
  dtype: "int8" | "uint8",
  { scale, zeroPoint, parameters }: Dequantization,
  bytesOf: BytesOf,
): Float32Array {
  const scales = floatValues(bytesOf(scale), dtypeName(scale.dataType));
  const zeros = zeroPoint && integerValues(bytesOf(zeroPoint), dtype);
  const stored = integerValues(bytes, dtype);
  const values = new Float32Array(stored.length);
  for (let index = 0; index < stored.length; index++) {
    const parameter = parameters.length === 0 ? 0 : parameterIndex(parameters, index);
    // The product of a 9-bit integer and a 24-bit significand is exact in f64: storing it rounds once.
    values[index] = (stored[index]! - (zeros?.[parameter] ?? 0)) * scales[parameter]!;
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
