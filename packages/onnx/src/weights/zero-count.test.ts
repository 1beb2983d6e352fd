import { decodeModel, fractionOfZeros, parameterCounts } from "@espalier/onnx";
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

describe("fractionOfZeros", () => {
  it("weighs tensors by their size, and is 0 over nothing", () => {
    expect(fractionOfZeros([...parameterCounts(model)])).toBe(5 / 10);
    expect(fractionOfZeros([])).toBe(0);
  });
});
