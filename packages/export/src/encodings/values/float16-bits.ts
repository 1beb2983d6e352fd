/**
 * Float32 numbers as bits of float16: nearest, ties to even; beyond the largest ±Infinity, NaN is 0x7e00. Integer
 * arithmetic on the bits, some nanoseconds each: weights have hundreds of millions.
 */
export function float16Bits(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < bits.length; index++) {
    const size = bits[index]! & 0x7fffffff;
    halves[index] = ((bits[index]! >>> 16) & 0x8000) | magnitude(size);
  }
  return halves;
}

/** @param size float32 bits without the sign */
function magnitude(size: number): number {
  if (size >= SMALLEST_NORMAL) {
    if (size > INFINITY) return 0x7e00;
    if (size >= TWO_TO_16) return 0x7c00;
    // Eight bits of exponent become five. What is rounded up may carry into the exponent, up to infinity.
    const rebiased = size - ((127 - 15) << 23);
    return (rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13;
  }
  const exponent = size >>> 23;
  if (exponent < 127 - 25) return 0;
  // A subnormal: so many units of 2⁻²⁴.
  const significand = (size & 0x7fffff) | 0x800000;
  const shift = 126 - exponent;
  const units = significand >>> shift;
  const rest = significand & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (units & 1) === 1) ? units + 1 : units;
}

/** Float32 bits of 2⁻¹⁴, the smallest normal float16. */
const SMALLEST_NORMAL = 0x38800000;
const TWO_TO_16 = 0x47800000;
const INFINITY = 0x7f800000;
