import { countZeros, decodeModel, fractionOfZeros, parameterCounts, prunableWeights } from "@espalier/onnx";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

const model = decodeModel(
  buildModel({
    nodes: [
      node("DequantizeLinear", ["Q", "s", "z"], ["W"]),
      node("MatMul", ["x", "W"], ["h"]),
      node("Add", ["h", "b"], ["g"]),
      node("Reshape", ["g", "shape"], ["y"]),
    ],
    initializers: [
      tensor("Q", [2, 2], Uint8Array.of(128, 0, 5, 128)),
      tensor("s", [], Float32Array.of(0.5)),
      tensor("z", [], Uint8Array.of(128)),
      tensor("b", [2], Float32Array.of(-0, 1)),
      tensor("half", [3], { dtype: "float16", bits: Uint16Array.of(0x8000, 1, 0) }),
      tensor("shape", [2], BigInt64Array.of(0n, -1n)),
    ],
    inputs: [valueInfo("x", "float32", [1, 2])],
    outputs: [valueInfo("y", "float32", [1, 2])],
  }),
);

describe("parameterCounts", () => {
  it("counts +0, −0 and zero points, in floats and quantised weights, and no shapes", () => {
    expect([...parameterCounts(model)]).toEqual([
      { name: "Q", prunable: true, zeros: 2, total: 4 },
      { name: "s", prunable: false, zeros: 0, total: 1 },
      { name: "b", prunable: false, zeros: 1, total: 2 },
      { name: "half", prunable: false, zeros: 2, total: 3 },
    ]);
  });
});

describe("parameterCounts of floats", () => {
  // Zeros of both signs; then what only looks like one in some of its bytes: the smallest subnormals, NaN, powers of two.
  const cases: readonly [string, Parameters<typeof tensor>[2]][] = [
    ["float32", Float32Array.of(0, -0, 2 ** -149, -(2 ** -149), Number.NaN, 2)],
    ["float64", Float64Array.of(0, -0, 2 ** -1074, -(2 ** -1074), Number.NaN, 2)],
    ["float16", { dtype: "float16", bits: Uint16Array.of(0, 0x8000, 1, 0x8001, 0x7e00, 0x4000) }],
    ["bfloat16", { dtype: "bfloat16", bits: Uint16Array.of(0, 0x8000, 1, 0x8001, 0x7fc0, 0x4000) }],
  ];

  it.each(cases)("takes %s zeros of both signs and nothing else for zero, prunable or not", (_, data) => {
    for (const storage of ["raw", "typed"] as const) {
      const initializers = [tensor("W", [1, 6], data, storage), tensor("b", [6], data, storage)];
      const nodes = [node("MatMul", ["x", "W"], ["h"]), node("Add", ["h", "b"], ["y"])];
      expect([...parameterCounts(decodeModel(buildModel({ nodes, initializers })))]).toEqual([
        { name: "W", prunable: true, zeros: 2, total: 6 },
        { name: "b", prunable: false, zeros: 2, total: 6 },
      ]);
    }
  });

  it("counts in every piece of a large tensor", () => {
    // Pieces hold 2^20 entries; zeros at both sides of the first border and at the very end.
    const values = new Float32Array(2 * 2 ** 20 + 1).fill(1);
    for (const index of [2 ** 20 - 1, 2 ** 20, 2 * 2 ** 20]) values[index] = -0;
    const big = buildModel({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [tensor("W", [1, values.length], values)],
    });
    expect([...parameterCounts(decodeModel(big))]).toEqual([
      { name: "W", prunable: true, zeros: 3, total: values.length },
    ]);
  });
});

describe("countZeros", () => {
  it("counts one weight, by value or by zero point", () => {
    const [q] = prunableWeights(model);
    if (!q?.prunable) throw new Error("not prunable");
    expect(countZeros(model, q)).toEqual({ zeros: 2, total: 4 });
    const dense = decodeModel(
      buildModel({
        nodes: [node("MatMul", ["x", "W"], ["y"])],
        initializers: [tensor("W", [1, 3], Float32Array.of(0, 1, -0))],
      }),
    );
    const [w] = prunableWeights(dense);
    if (!w?.prunable) throw new Error("not prunable");
    expect(countZeros(dense, w)).toEqual({ zeros: 2, total: 3 });
  });
});

describe("fractionOfZeros", () => {
  it("weighs tensors by their size, and is 0 over nothing", () => {
    expect(fractionOfZeros([...parameterCounts(model)])).toBe(5 / 10);
    expect(fractionOfZeros([])).toBe(0);
  });
});
