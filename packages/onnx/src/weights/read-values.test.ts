import { decodeModel, prunableWeights } from "@espalier/onnx";
import { buildModel, node, tensor } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

function valuesOf(data: Parameters<typeof tensor>[2], count: number): Float32Array | Float64Array {
  const nodes = [node("MatMul", ["x", "W"], ["y"])];
  const [weight] = prunableWeights(decodeModel(buildModel({ nodes, initializers: [tensor("W", [1, count], data)] })));
  if (!weight?.prunable) throw new Error("not prunable");
  return weight.read();
}

const allBits = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

/** IEEE 754 by its definition: sign, exponent with bias, fraction; NaN where the exponent is all ones. */
function halfValue(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

describe("read", () => {
  it("widens every float16 exactly, subnormals and infinities included", () => {
    const values = valuesOf({ dtype: "float16", bits: allBits }, 65536);
    expect(values).toBeInstanceOf(Float32Array);
    expect(allBits.findIndex((bits) => !Object.is(values[bits], halfValue(bits, 5, 10)))).toBe(-1);
  });

  it("widens every bfloat16 exactly", () => {
    const values = valuesOf({ dtype: "bfloat16", bits: allBits }, 65536);
    expect(values).toBeInstanceOf(Float32Array);
    expect(allBits.findIndex((bits) => !Object.is(values[bits], halfValue(bits, 8, 7)))).toBe(-1);
  });

  it("keeps float32 and float64 bit for bit", () => {
    expect(valuesOf(Float32Array.of(0.1, -0, Number.POSITIVE_INFINITY), 3)).toEqual(
      Float32Array.of(0.1, -0, Number.POSITIVE_INFINITY),
    );
    expect(valuesOf(Float64Array.of(0.1, -0), 2)).toEqual(Float64Array.of(0.1, -0));
  });

  it("returns a fresh array on every call", () => {
    const nodes = [node("MatMul", ["x", "W"], ["y"])];
    const model = decodeModel(buildModel({ nodes, initializers: [tensor("W", [1, 2], Float32Array.of(1, 2))] }));
    const [weight] = prunableWeights(model);
    if (!weight?.prunable) throw new Error("not prunable");
    weight.read().fill(7);
    expect([...weight.read()]).toEqual([1, 2]);
  });
});
