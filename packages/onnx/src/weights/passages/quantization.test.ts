import { decodeModel, type PrunableWeight, prunableWeights, type Weight } from "@espalier/onnx";
import { buildModel, node, tensor } from "@espalier/testkit";
import type { NodeProto, TensorProto } from "onnx-buf";
import { describe, expect, it } from "vitest";

const floats = (name: string, dims: number[], values: number[]) => tensor(name, dims, Float32Array.from(values));
const int8 = (name: string, dims: number[], values: number[]) => tensor(name, dims, Int8Array.from(values));
const uint8 = (name: string, dims: number[], values: number[]) => tensor(name, dims, Uint8Array.from(values));
const dequantize = (attributes = {}, inputs = ["W", "s", "z"]) => node("DequantizeLinear", inputs, ["v"], attributes);
const product = node("MatMul", ["x", "v"], ["y"], {}, { name: "product" });

function weightOf(nodes: NodeProto[], initializers: TensorProto[]): Weight {
  return prunableWeights(decodeModel(buildModel({ nodes, initializers, opset: 21 }))).find(({ name }) => name === "W")!;
}

function prunable(nodes: NodeProto[], initializers: TensorProto[]): PrunableWeight {
  const weight = weightOf(nodes, initializers);
  if (!weight.prunable) throw new Error(weight.reason);
  return weight;
}

const zerosOf = (weight: PrunableWeight, count: number) =>
  Array.from({ length: count }, (_, index) => weight.zeroAt?.(index));

describe("an integer weight behind DequantizeLinear", () => {
  it("is dequantised with one scale and zero point", () => {
    const weight = prunable(
      [dequantize(), product],
      [int8("W", [2, 3], [-128, -3, 0, 1, 2, 127]), floats("s", [], [0.5]), int8("z", [], [-3])],
    );
    expect(weight).toMatchObject({ dtype: "int8", outChannels: 3, inFeatures: 2 });
    expect([...weight.read()]).toEqual([-62.5, 0, 1.5, 2, 2.5, 65]);
    expect(zerosOf(weight, 6)).toEqual([-3, -3, -3, -3, -3, -3]);
  });

  it("means zero by all-zero bytes where there is no zero point", () => {
    const weight = prunable(
      [dequantize({}, ["W", "s"]), product],
      [uint8("W", [2, 2], [0, 1, 128, 255]), floats("s", [1], [2])],
    );
    expect([...weight.read()]).toEqual([0, 2, 256, 510]);
    expect("zeroAt" in weight).toBe(false);
  });

  it("takes scales and zero points along axis 1 unless the axis is named", () => {
    const initializers = [uint8("W", [2, 2], [10, 20, 30, 40]), floats("s", [2], [1, 10]), uint8("z", [2], [10, 20])];
    const columns = prunable([dequantize(), product], initializers);
    expect([...columns.read()]).toEqual([0, 0, 20, 200]);
    expect(zerosOf(columns, 4)).toEqual([10, 20, 10, 20]);
    const rows = prunable([dequantize({ axis: -2 }), product], initializers);
    expect([...rows.read()]).toEqual([0, 10, 100, 200]);
    expect(zerosOf(rows, 4)).toEqual([10, 10, 20, 20]);
  });

  it("takes scales in blocks along the axis, the last block being shorter", () => {
    // [3, 2] in blocks of 2 rows: scales [2, 2], row-major; rows 0 and 1 take the first row of scales, row 2 the second.
    const weight = prunable(
      [dequantize({ axis: 0, block_size: 2 }), product],
      [int8("W", [3, 2], [1, 1, 1, 1, 1, 1]), floats("s", [2, 2], [2, 3, 4, 5]), int8("z", [2, 2], [0, 1, 2, 3])],
    );
    expect([...weight.read()]).toEqual([2, 0, 2, 0, -4, -10]);
    expect(zerosOf(weight, 6)).toEqual([0, 1, 0, 1, 2, 3]);
  });

  it("finds its scales when DequantizeLinear stands behind a transposition", () => {
    // Buffer [3, 2], turned to [2, 3]: the axis of length 3 is the outer one in the buffer.
    const path = [node("Transpose", ["W"], ["t"]), dequantize({ axis: 1 }, ["t", "s", "z"]), product];
    const weight = prunable(path, [
      int8("W", [3, 2], [1, 2, 3, 4, 5, 6]),
      floats("s", [3], [1, 10, 100]),
      int8("z", [3], [1, 2, 3]),
    ]);
    expect([...weight.read()]).toEqual([0, 1, 10, 20, 200, 300]);
    expect(zerosOf(weight, 6)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(weight.axes).toEqual([
      { size: 3, role: "out", step: 1 },
      { size: 2, role: "in", step: 1 },
    ]);
  });

  it("subtracts before it multiplies, and rounds once", () => {
    // −127 · 0.1f rounds to −12.699999809265137; the rounded −126 · 0.1f and 0.1f are −12.700000762939453 apart.
    const tensors = [int8("W", [1, 1], [-126]), floats("s", [], [0.1]), int8("z", [], [1])];
    expect(prunable([dequantize(), product], tensors).read()[0]).toBe(-12.699999809265137);
  });

  it("reads scales of type float16", () => {
    const scale = tensor("s", [1], { dtype: "float16", bits: Uint16Array.of(0x3800) }); // 0.5
    expect([...prunable([dequantize({}, ["W", "s"]), product], [int8("W", [1, 2], [3, -5]), scale]).read()]).toEqual([
      1.5, -2.5,
    ]);
  });

  it("keeps its first meaning when it is quantised again on the way", () => {
    const path = [
      dequantize({}, ["W", "s", "z"]),
      node("QuantizeLinear", ["v", "s2"], ["q"]),
      node("DequantizeLinear", ["q", "s2"], ["w"]),
      node("MatMul", ["x", "w"], ["y"]),
    ];
    const weight = prunable(path, [
      int8("W", [1, 1], [5]),
      floats("s", [], [2]),
      int8("z", [], [1]),
      floats("s2", [], [7]),
    ]);
    expect([...weight.read()]).toEqual([8]);
  });

  it("may be dequantised by several nodes that agree", () => {
    const nodes = [
      dequantize({}, ["W", "s", "z"]),
      node("DequantizeLinear", ["W", "s2", "z2"], ["v2"], { axis: 0 }),
      product,
      node("MatMul", ["x", "v2"], ["y2"]),
    ];
    const same = [int8("W", [2, 2], [1, 2, 3, 4]), floats("s", [], [2]), int8("z", [], [1]), floats("s2", [1], [2])];
    expect(weightOf(nodes, [...same, int8("z2", [1], [1])])).toMatchObject({ prunable: true });
    expect(weightOf(nodes, [...same, int8("z2", [1], [0])])).toMatchObject({
      prunable: false,
      reason: 'dequantised differently for MatMul "product" and for MatMul "y2"',
    });
  });
});

describe("an integer weight that is refused", () => {
  const W = int8("W", [2, 3], [1, 2, 3, 4, 5, 6]);
  const s = floats("s", [], [1]);
  const cases: [string, NodeProto[], TensorProto[], string][] = [
    [
      "without DequantizeLinear",
      [node("MatMul", ["x", "W"], ["y"])],
      [W],
      'MatMul "y" reads int8 values without DequantizeLinear in between',
    ],
    [
      "cast to float",
      [node("Cast", ["W"], ["v"], { to: 1 }), product],
      [W],
      'Cast "v" converts int8 values, which are prunable only behind DequantizeLinear',
    ],
    [
      "multiplied as integers",
      [node("MatMulInteger", ["x", "W"], ["y"])],
      [W],
      'MatMulInteger "y" multiplies integers: int8 and uint8 weights are prunable only behind DequantizeLinear',
    ],
    [
      "multiplied as integers by QLinearConv",
      [node("QLinearConv", ["x", "a", "b", "W"], ["y"])],
      [W],
      'QLinearConv "y" multiplies integers: int8 and uint8 weights are prunable only behind DequantizeLinear',
    ],
    [
      "the zero point of an integer product",
      [node("QLinearMatMul", ["x", "a", "W"], ["y"])],
      [W],
      'zero point of QLinearMatMul "y"',
    ],
    [
      "with a computed scale",
      [node("Neg", ["s"], ["n"]), dequantize({}, ["W", "n"]), product],
      [W, s],
      'DequantizeLinear "v" has a scale that is computed',
    ],
    [
      "with a computed zero point",
      [node("Neg", ["s"], ["z"]), dequantize(), product],
      [W, s],
      'DequantizeLinear "v" has a zero point that is computed',
    ],
    [
      "with a zero point of another type",
      [dequantize(), product],
      [W, s, uint8("z", [], [1])],
      'DequantizeLinear "v" has a zero point of type uint8 for int8 values',
    ],
    [
      "with more zero points than scales",
      [dequantize(), product],
      [W, s, int8("z", [3], [1, 1, 1])],
      'DequantizeLinear "v" has other numbers of scales and zero points',
    ],
    [
      "with scales of another axis",
      [dequantize({ axis: 0 }, ["W", "p"]), product],
      [W, floats("p", [3], [1, 1, 1])],
      'DequantizeLinear "v" has scales of shape [3] where its weight needs [2]',
    ],
    [
      "with scales of an axis it does not have",
      [dequantize({ axis: 2 }, ["W", "p"]), product],
      [W, floats("p", [3], [1, 1, 1])],
      'DequantizeLinear "v" has axis 2, but the weight has 2 dimensions there',
    ],
    [
      "with scales of other blocks",
      [dequantize({ axis: 0, block_size: 2 }, ["W", "p"]), product],
      [W, floats("p", [3], [1, 1, 1])],
      'DequantizeLinear "v" has scales of shape [3] where its weight needs [1, 3]',
    ],
    [
      "with scales that are no floats",
      [dequantize({}, ["W", "z"]), product],
      [W, int8("z", [], [1])],
      'DequantizeLinear "v" has scales of type int8',
    ],
    [
      "of 32 bits",
      [dequantize({}, ["W", "s"]), product],
      [tensor("W", [1, 1], Int32Array.of(1)), s],
      "its values are int32: only float32, float64, float16, bfloat16, and int8 or uint8 behind DequantizeLinear can be pruned",
    ],
  ];
  it.each(cases)("%s", (_, nodes, initializers, reason) => {
    expect(weightOf(nodes, initializers)).toMatchObject({ prunable: false, reason });
  });

  it("stored in 4 bits", () => {
    const packed = uint8("W", [3], [1, 2, 3]);
    packed.dataType = 22; // INT4: two entries a byte
    packed.dims = [2n, 3n];
    expect(weightOf([dequantize({}, ["W", "s"]), product], [packed, s])).toMatchObject({
      dtype: "int4",
      shape: [2, 3],
      reason:
        "its values are int4: only float32, float64, float16, bfloat16, and int8 or uint8 behind DequantizeLinear can be pruned",
    });
  });
});
