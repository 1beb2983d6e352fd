import type { Tensor } from "@espalier/runtime";

/**
 * The elements of an output as numbers: float16 bits decoded, 64-bit integers rounded to doubles, bools 0 or 1.
 *
 * @returns undefined for texts, which have no distance
 */
export function outputValues(tensor: Tensor): ArrayLike<number> | undefined {
  switch (tensor.dtype) {
    case "string":
      return undefined;
    case "float16":
      return Float64Array.from(tensor.data, float16Value);
    case "bfloat16":
      return new Float32Array(Uint32Array.from(tensor.data, (bits) => bits << 16).buffer);
    case "int64":
    case "uint64":
      return Float64Array.from(tensor.data, Number);
    default:
      return tensor.data;
  }
}

function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
