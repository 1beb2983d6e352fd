import { floatBytes, makeTensor } from "@espalier/onnx";
import { describe, expect, it } from "vitest";
import { float16Bits } from "./float16-bits.js";

describe("float16Bits", () => {
  it("rounds to the nearest, ties to even, as worked by hand", () => {
    // 65519.996 is below the middle of 65504 and 2¹⁶, 65520 is the middle. 2⁻²⁵ is the middle of 0 and the smallest.
    const values = Float32Array.of(
      1,
      -2,
      65519.996,
      65520,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      2 ** -25,
      1.5 * 2 ** -25,
      -0,
    );
    const expected = [0x3c00, 0xc000, 0x7bff, 0x7c00, 0x3c00, 0x3c02, 0, 1, 0x8000];
    expect([...float16Bits(values)]).toEqual(expected);
    expect([...float16Bits(Float32Array.of(Number.NaN, -Number.POSITIVE_INFINITY))]).toEqual([0x7e00, 0xfc00]);
  });

  it("agrees with the slow rounding of the onnx package on bits from the whole range", () => {
    const bits = Uint32Array.from({ length: 40_000 }, (_, index) => Math.imul(index, 0x9e3779b1));
    const values = new Float32Array(bits.buffer).filter((value) => !Number.isNaN(value));
    const half = makeTensor("", [0], { dataType: 10, bytes: new Uint8Array(0) });
    expect(new Uint8Array(float16Bits(values).buffer)).toEqual(floatBytes(half, values));
  });
});
