import { decodeModel, type NodeProto, type PrunableWeight, prunableWeights, type TensorProto } from "@espalier/onnx";
import { buildModel, node, tensor } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

function valuesOf(data: Parameters<typeof tensor>[2], count: number): Float32Array | Float64Array {
  return weightOf([node("MatMul", ["x", "W"], ["y"])], [tensor("W", [1, count], data)]).read();
}

function weightOf(nodes: NodeProto[], initializers: TensorProto[]): PrunableWeight {
  const [weight] = prunableWeights(decodeModel(buildModel({ nodes, initializers })));
  if (!weight?.prunable) throw new Error("not prunable");
  return weight;
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

  it("reads the same across the pieces that a large weight comes in", () => {
    // Pieces of 4 MiB: 2^21 halves and 2^22 bytes.
    const halves = Uint16Array.from({ length: 2 ** 21 + 40 }, (_, index) => (index * 31) % 0x7c00);
    const wide = valuesOf({ dtype: "float16", bits: halves }, halves.length);
    expect(halves.findIndex((bits, index) => wide[index] !== halfValue(bits, 5, 10))).toBe(-1);
    const stored = Int8Array.from({ length: 2 ** 22 + 6 }, (_, index) => index % 251);
    const nodes = [node("DequantizeLinear", ["Q", "s", "z"], ["W"], { axis: 0 }), node("MatMul", ["x", "W"], ["y"])];
    const initializers = [
      tensor("Q", [2, stored.length / 2], stored),
      tensor("s", [2], Float32Array.of(0.5, 0.25)),
      tensor("z", [2], Int8Array.of(3, -7)),
    ];
    const values = weightOf(nodes, initializers).read();
    const half = stored.length / 2;
    const expected = (index: number) => (index < half ? (stored[index]! - 3) * 0.5 : (stored[index]! + 7) * 0.25);
    expect(stored.findIndex((_, index) => values[index] !== expected(index))).toBe(-1);
  });

  const quantized = [tensor("Q", [1, 3], Int8Array.of(1, 2, 3)), tensor("s", [], Float32Array.of(2))];
  it.each([
    ["float32", [tensor("W", [1, 3], Float32Array.of(2, -4, 6))], 4],
    ["float64", [tensor("W", [1, 3], Float64Array.of(2, -4, 6))], 8],
    ["float16", [tensor("W", [1, 3], { dtype: "float16", bits: Uint16Array.of(0x4000, 0xc400, 0x4600) })], 4],
    ["bfloat16", [tensor("W", [1, 3], { dtype: "bfloat16", bits: Uint16Array.of(0x4000, 0xc080, 0x40c0) })], 4],
    ["int8", quantized, 4],
  ])("lays %s values over memory it is given, where that is large enough", (dtype, initializers, size) => {
    const dequantize = dtype === "int8" ? [node("DequantizeLinear", ["Q", "s"], ["W"])] : [];
    const weight = weightOf([...dequantize, node("MatMul", ["x", "W"], ["y"])], initializers);
    const expected = weight.read();
    for (const [bytes, used] of [
      [3 * size - 1, false],
      [3 * size, true],
      [100, true],
    ] as const) {
      const into = new ArrayBuffer(bytes);
      new Uint8Array(into).fill(0xff);
      const values = weight.read(into);
      expect(values).toEqual(expected);
      expect(values.byteOffset).toBe(0);
      expect(values.buffer === into).toBe(used);
    }
  });

  it("returns a fresh array on every call", () => {
    const weight = weightOf([node("MatMul", ["x", "W"], ["y"])], [tensor("W", [1, 2], Float32Array.of(1, 2))]);
    weight.read().fill(7);
    expect([...weight.read()]).toEqual([1, 2]);
  });
});
