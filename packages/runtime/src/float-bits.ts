/** `f64` and `u64` over the same 8 bytes. */
const F64 = new Float64Array(1);
const U64 = new BigUint64Array(F64.buffer);

/**
 * The bits of a number as float16: nearest, ties to even, straight from the double (no second rounding through float32).
 * Beyond 65519.99… it is ±Infinity, NaN is 0x7e00.
 *
 * @returns integer in [0, 2¹⁶)
 */
export function float16Bits(value: number): number {
  return roundToBits(value, 10, 5);
}

/** The bits of a number as bfloat16: nearest, ties to even. @returns integer in [0, 2¹⁶) */
export function bfloat16Bits(value: number): number {
  return roundToBits(value, 7, 8);
}

/**
 * IEEE 754 rounding to 1 sign bit, `exponentBits` and `mantissaBits`. Every scaling is by a power of two that stays in the
 * range of doubles, so that only the one rounding is inexact.
 */
function roundToBits(value: number, mantissaBits: number, exponentBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = (2 ** exponentBits - 1) * 2 ** mantissaBits;
  const sign = value < 0 || Object.is(value, -0) ? 2 ** (mantissaBits + exponentBits) : 0;
  if (Number.isNaN(value)) return infinity + 2 ** (mantissaBits - 1);
  const exponent = Math.max(binaryExponent(value), 1 - bias);
  // In units of the last place: below 2 ** mantissaBits it is subnormal, and a carry moves into the exponent by itself.
  const units = roundToEven(Math.abs(value) / 2 ** (exponent - mantissaBits));
  const bits = units + (exponent + bias - 1) * 2 ** mantissaBits;
  return sign + Math.min(bits, infinity);
}

/** `floor(log2(|value|))`, exactly; -1023 for zero and for the subnormals of doubles. */
function binaryExponent(value: number): number {
  F64[0] = value;
  return Number((U64[0]! >> 52n) & 0x7ffn) - 1023;
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
