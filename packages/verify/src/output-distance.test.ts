import type { Tensor } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { OutputMeter } from "./output-distance.js";

function floats(...data: number[]): Tensor {
  return { dtype: "float32", dims: [data.length], data: Float32Array.from(data) };
}

function meter(...pairs: [Tensor, Tensor][]): OutputMeter {
  const result = new OutputMeter("y");
  for (const [original, pruned] of pairs) expect(result.add(original, pruned)).toBeUndefined();
  return result;
}

describe("OutputMeter", () => {
  // Sample 0: o = (3, 4), p = (3, 0): difference 4, Σo² 25, cosine 9 / (5 · 3) = 0.6, own relative 4/5.
  // Sample 1: o = (0, 1), p = (0, 2): difference 1, Σo² 1, cosine 1, own relative 1.
  // Together √((16 + 1) / (25 + 1)). The mean of the two relative distances would be 0.9, the cosine of the sums 0.66…
  it("sums squares over all samples, and takes the cosine of each sample by itself", () => {
    const distance = meter([floats(3, 4), floats(3, 0)], [floats(0, 1), floats(0, 2)]).distance();
    expect(distance).toEqual({
      name: "y",
      maxAbs: 4,
      relativeL2: Math.sqrt(17 / 26),
      meanCosine: (9 / 15 + 1) / 2,
      worstSample: 1,
      worstRelativeL2: 1,
      topAgreement: 0.5,
    });
  });

  it("is exactly 0 and 1 for equal outputs, zeros included", () => {
    const same = floats(0.1, 0.2, 0.3);
    expect(meter([same, same], [floats(0, 0), floats(0, -0)]).distance()).toMatchObject({
      maxAbs: 0,
      relativeL2: 0,
      meanCosine: 1,
      worstSample: 0,
    });
  });

  it("is infinitely far where only the original is all zeros", () => {
    expect(meter([floats(0, 0), floats(0, 1)]).distance()).toMatchObject({ relativeL2: Infinity, meanCosine: 0 });
  });

  it("names the element where one output is not finite and the other is", () => {
    const add = (was: number, is: number) => new OutputMeter("y").add(floats(1, was), floats(1, is));
    expect(add(2, Number.NaN)).toBe('output "y" of sample 0 is NaN at element 1, in the original 2');
    expect(add(Number.NaN, 2)).toBe('output "y" of sample 0 is 2 at element 1, in the original NaN');
    expect(add(Infinity, -Infinity)).toBe('output "y" of sample 0 is -Infinity at element 1, in the original Infinity');
  });

  it("leaves out what is the same NaN or Infinity in both", () => {
    const distance = meter([floats(-Infinity, NaN, 3), floats(-Infinity, NaN, 4)]).distance();
    expect(distance).toMatchObject({ maxAbs: 1, relativeL2: 1 / 3, meanCosine: 1 });
  });

  it("names another shape or type", () => {
    const other: Tensor = { dtype: "float32", dims: [1, 2], data: Float32Array.of(1, 2) };
    expect(new OutputMeter("y").add(floats(1, 2), other)).toBe(
      'output "y" of sample 0 is float32 [1, 2], in the original float32 [2]',
    );
  });

  it("compares float16 by value, integers and bools as numbers", () => {
    const half = (...bits: number[]): Tensor => ({
      dtype: "float16",
      dims: [bits.length],
      data: Uint16Array.from(bits),
    });
    // 0x3c00 = 1, 0xc000 = −2, 0x0001 = 2⁻²⁴, 0x7bff = 65504
    expect(meter([half(0x3c00, 0x0001), half(0xc000, 0x0001)]).distance().maxAbs).toBe(3);
    expect(meter([half(0x7bff, 0), half(0x7bff, 1)]).distance().maxAbs).toBe(2 ** -24);
    expect(new OutputMeter("y").add(half(0x7c00), half(0x7e00))).toContain("is NaN at element 0, in the original Inf");
    const long = (...data: bigint[]): Tensor => ({
      dtype: "int64",
      dims: [data.length],
      data: BigInt64Array.from(data),
    });
    expect(meter([long(5n, -7n), long(5n, -4n)]).distance().maxAbs).toBe(3);
    const bool = (...data: number[]): Tensor => ({ dtype: "bool", dims: [data.length], data: Uint8Array.from(data) });
    expect(meter([bool(1, 0), bool(1, 1)]).distance().relativeL2).toBe(1);
  });

  it("tells texts apart, which have no distance", () => {
    const texts = (...data: string[]): Tensor => ({ dtype: "string", dims: [data.length], data });
    expect(new OutputMeter("y").add(texts("a", "b"), texts("a", "c"))).toBe(
      'output "y" of sample 0 is another text than in the original at element 1',
    );
    expect(meter([texts("a"), texts("a")]).distance()).toMatchObject({ maxAbs: 0, relativeL2: 0, meanCosine: 1 });
  });
});
