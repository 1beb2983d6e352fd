import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bfloat16Bits, float16Bits } from "./float-bits.js";

/** The number that float16 bits stand for, straight from IEEE 754. */
function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25));
}

describe("float16Bits", () => {
  it("gives back all 65536 patterns, NaNs aside", () => {
    const all = Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => !Number.isNaN(float16Value(bits)));
    expect(all.filter((bits) => float16Bits(float16Value(bits)) !== bits)).toEqual([]);
  });

  it.each([
    [Number.NaN, 0x7e00],
    [-0, 0x8000],
    [65504, 0x7bff],
    // Half way to the next power of two, which would be 65536: the tie goes to even, that is infinity.
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [-1e300, 0xfc00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    // Ties to even: 1 + 2⁻¹¹ is between 0x3c00 and 0x3c01, 1 + 3·2⁻¹¹ between 0x3c01 and 0x3c02.
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    // Through float32 this would first become the tie 1 + 2⁻¹¹ and then round down: the double rounding.
    [1 + 2 ** -11 + 2 ** -30, 0x3c01],
    // Half of the smallest subnormal is a tie to zero; anything more is that subnormal.
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    // Just below the smallest normal number rounds up into it.
    [2 ** -14 * (1 - 2 ** -12), 0x0400],
    [Number.MIN_VALUE, 0x0000],
  ])("rounds %d to %i", (value, bits) => {
    expect(float16Bits(value)).toBe(bits);
  });

  it("is the nearest float16", () => {
    fc.assert(
      fc.property(fc.double({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const bits = float16Bits(value);
        const distance = Math.abs(float16Value(bits) - value);
        for (const neighbour of [bits - 1, bits + 1]) {
          const other = float16Value(neighbour & 0xffff);
          if (Number.isFinite(other)) expect(Math.abs(other - value)).toBeGreaterThanOrEqual(distance);
        }
      }),
      { seed: 16, numRuns: 2000 },
    );
  });
});

describe("bfloat16Bits", () => {
  it("gives back the upper half of every float32 that has no lower half", () => {
    const word = new Uint32Array(1);
    const float = new Float32Array(word.buffer);
    const wrong: number[] = [];
    for (let bits = 0; bits < 65536; bits++) {
      word[0] = bits << 16;
      if (!Number.isNaN(float[0]!) && bfloat16Bits(float[0]!) !== bits) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [3.4e38, 0x7f80],
    [Number.NaN, 0x7fc0],
  ])("rounds %d to %i", (value, bits) => {
    expect(bfloat16Bits(value)).toBe(bits);
  });
});
