import { decodeModel, prunableWeights, type Weight, type WeightAxis } from "@espalier/onnx";
import { buildModel, node, tensor } from "@espalier/testkit";
import type { NodeProto } from "onnx-buf";
import { describe, expect, it } from "vitest";

const out = (size: number, step = 1): WeightAxis => ({ size, role: "out", step });
const features = (size: number, step = 1): WeightAxis => ({ size, role: "in", step });
const kernel = (size: number): WeightAxis => ({ size, role: "kernel", step: 1 });
const int64 = (name: string, values: readonly number[]) =>
  tensor(name, [values.length], BigInt64Array.from(values, BigInt));

/** A weight W that goes through `path` and arrives as "v" at `consumer`; integer inputs are initializers. */
function weightBehind(
  shape: readonly number[],
  path: readonly NodeProto[],
  integers: Readonly<Record<string, readonly number[]>> = {},
  consumer: NodeProto = node("MatMul", ["x", "v"], ["y"], {}, { name: "product" }),
): Weight {
  const count = shape.reduce((product, size) => product * size, 1);
  const model = buildModel({
    nodes: [...path, consumer],
    initializers: [
      tensor("W", shape, new Float32Array(count)),
      ...Object.entries(integers).map(([name, values]) => int64(name, values)),
    ],
  });
  return prunableWeights(decodeModel(model)).find(({ name }) => name === "W")!;
}

describe("a weight on its way to the consumer", () => {
  const conv = node("Conv", ["x", "v"], ["y"], {}, { name: "product" });
  const ways: [string, number[], NodeProto[], Record<string, number[]>, WeightAxis[], NodeProto?][] = [
    ["Identity", [3, 4], [node("Identity", ["W"], ["v"])], {}, [features(3), out(4)]],
    ["Transpose without perm", [4, 3], [node("Transpose", ["W"], ["v"])], {}, [out(4), features(3)]],
    [
      "Transpose of a batch",
      [2, 4, 3],
      [node("Transpose", ["W"], ["v"], { perm: [0, 2, 1] })],
      {},
      [out(8), features(3)],
    ],
    [
      "Transpose twice",
      [3, 4],
      [node("Transpose", ["W"], ["t"]), node("Transpose", ["t"], ["v"])],
      {},
      [features(3), out(4)],
    ],
    ["Cast to another float type", [3, 4], [node("Cast", ["W"], ["v"], { to: 10 })], {}, [features(3), out(4)]],
    [
      "Cast by a name, as before opset 6",
      [3, 4],
      [node("Cast", ["W"], ["v"], { to: "FLOAT" })],
      {},
      [features(3), out(4)],
    ],
    ["CastLike", [3, 4], [node("CastLike", ["W", "x"], ["v"])], {}, [features(3), out(4)]],
    [
      "Reshape of a kernel",
      [4, 6],
      [node("Reshape", ["W", "s"], ["v"])],
      { s: [0, 2, 3, -1] },
      [out(4), features(2, 3), kernel(3)],
      conv,
    ],
    ["Reshape to a matrix", [4, 2, 3], [node("Reshape", ["W", "s"], ["v"])], { s: [-1, 3] }, [features(8), out(3)]],
    [
      "Reshape by an attribute, as before opset 5",
      [2, 2, 3],
      [node("Reshape", ["W"], ["v"], { shape: [4, 3] })],
      {},
      [features(4), out(3)],
    ],
    [
      "Reshape by a Constant node",
      [2, 2, 3],
      [node("Constant", [], ["s"], { value_ints: [4, 3] }), node("Reshape", ["W", "s"], ["v"])],
      {},
      [features(4), out(3)],
    ],
    [
      "Reshape by a shape behind Identity",
      [2, 2, 3],
      [node("Identity", ["t"], ["s"]), node("Reshape", ["W", "s"], ["v"])],
      { t: [4, 3] },
      [features(4), out(3)],
    ],
    ["Unsqueeze by an input", [4, 6], [node("Unsqueeze", ["W", "s"], ["v"])], { s: [-1] }, [out(4), features(6)], conv],
    [
      "Unsqueeze by an attribute, as before opset 13",
      [4, 6],
      [node("Unsqueeze", ["W"], ["v"], { axes: [2, 3] })],
      {},
      [out(4), features(6)],
      conv,
    ],
    ["Squeeze of all", [4, 1, 6, 1], [node("Squeeze", ["W"], ["v"])], {}, [features(4), out(6)]],
    ["Squeeze by an input", [1, 1, 4, 6], [node("Squeeze", ["W", "s"], ["v"])], { s: [-3] }, [features(4), out(6)]],
    [
      "Squeeze by an attribute, as before opset 13",
      [4, 6, 1],
      [node("Squeeze", ["W"], ["v"], { axes: [2] })],
      {},
      [features(4), out(6)],
    ],
    ["Flatten", [4, 2, 3], [node("Flatten", ["W"], ["v"])], {}, [features(4), out(6)]],
    [
      "Flatten at an axis from the end",
      [4, 2, 3],
      [node("Flatten", ["W"], ["v"], { axis: -1 })],
      {},
      [features(8), out(3)],
    ],
    [
      "QuantizeLinear and DequantizeLinear",
      [3, 4],
      [node("QuantizeLinear", ["W", "scale"], ["q"]), node("DequantizeLinear", ["q", "scale"], ["v"])],
      {},
      [features(3), out(4)],
    ],
    // [2, 3, 5] seen as [3, 2·5]: the first dimension of the buffer steps over 5 out channels.
    [
      "Transpose, then Reshape",
      [2, 3, 5],
      [node("Transpose", ["W"], ["t"], { perm: [1, 0, 2] }), node("Reshape", ["t", "s"], ["v"])],
      { s: [3, 10] },
      [out(2, 5), features(3), out(5)],
    ],
    // [8, 3] as [2, 4, 3], turned to [4, 2, 3]: in-feature 2·(row mod 4) + floor(row / 4).
    [
      "Reshape, then Transpose",
      [8, 3],
      [
        node("Reshape", ["W", "s"], ["a"]),
        node("Transpose", ["a"], ["b"], { perm: [1, 0, 2] }),
        node("Reshape", ["b", "r"], ["v"]),
      ],
      { s: [2, 4, 3], r: [8, 3] },
      [features(2), features(4, 2), out(3)],
    ],
  ];
  it.each(ways)("keeps its axes through %s", (_, shape, path, integers, axes, consumer) => {
    const weight = weightBehind(shape, path, integers, consumer);
    expect(weight).toMatchObject({ prunable: true, axes });
    expect(weight.consumers).toMatchObject([{ node: "product", input: 1, scope: "main" }]);
  });

  const turned = node("Transpose", ["W"], ["t"]);
  const ends: [string, number[], NodeProto[], Record<string, number[]>, string][] = [
    [
      "Cast to integers",
      [3, 4],
      [node("Cast", ["W"], ["v"], { to: 7 })],
      {},
      'Cast "v" converts it to int64, which is no floating-point type of a linear operator',
    ],
    [
      "a computed shape",
      [3, 4],
      [node("Shape", ["x"], ["s"]), node("Reshape", ["W", "s"], ["v"])],
      {},
      'Reshape "v" gives it a shape that is computed or no list of integers',
    ],
    [
      "a shape of other entries",
      [3, 4],
      [node("Reshape", ["W", "s"], ["v"])],
      { s: [5, -1] },
      'Reshape "v" makes [5, -1] of [3, 4], which has another number of entries',
    ],
    [
      "a zero that is a zero",
      [3, 4],
      [node("Reshape", ["W", "s"], ["v"], { allowzero: 1 })],
      { s: [0, 4] },
      'Reshape "v" makes [0, 4] of [3, 4], which has another number of entries',
    ],
    [
      "a cut through a transposed axis",
      [3, 4],
      [turned, node("Reshape", ["t", "s"], ["v"])],
      { s: [3, 4] },
      'Reshape "v" cuts the transposed [4, 3] into [3, 4], which mixes its axes',
    ],
    [
      "a perm of other dimensions",
      [3, 4],
      [node("Transpose", ["W"], ["v"], { perm: [0, 0] })],
      {},
      'Transpose "v" has perm [0, 0], which does not permute the 2 dimensions of the weight',
    ],
    [
      "Squeeze of a longer dimension",
      [3, 4],
      [node("Squeeze", ["W"], ["v"], { axes: [0] })],
      {},
      'Squeeze "v" removes a dimension whose size is not 1',
    ],
    [
      "Unsqueeze of one place twice",
      [3, 4],
      [node("Unsqueeze", ["W"], ["v"], { axes: [0, -4] })],
      {},
      'Unsqueeze "v" names the dimensions [0, -4] of 4',
    ],
    [
      "Flatten outside",
      [3, 4],
      [node("Flatten", ["W"], ["v"], { axis: 3 })],
      {},
      'Flatten "v" has axis 3, but the weight has 2 dimensions',
    ],
    [
      "QuantizeLinear without DequantizeLinear",
      [3, 4],
      [node("QuantizeLinear", ["W", "scale"], ["v"])],
      {},
      'MatMul "product" reads float32 values without DequantizeLinear in between',
    ],
    [
      "DequantizeLinear of floats",
      [3, 4],
      [node("DequantizeLinear", ["W", "scale"], ["v"])],
      {},
      'DequantizeLinear "v" dequantises float32 values, which are not quantised',
    ],
    ["the role of a scale", [1], [node("DequantizeLinear", ["x", "W"], ["v"])], {}, 'scale of DequantizeLinear "v"'],
  ];
  it.each(ends)("ends at %s", (_, shape, path, integers, reason) => {
    expect(weightBehind(shape, path, integers)).toMatchObject({ prunable: false, reason });
  });

  it("refuses a convolution whose groups cut a transposed axis unevenly", () => {
    // Six input channels, 3 × 2 in the buffer and turned to 2 × 3: groups of two cut the turned runs of three.
    const path = [node("Transpose", ["W"], ["t"], { perm: [1, 0, 2, 3] }), node("Reshape", ["t", "s"], ["v"])];
    const consumer = node("ConvTranspose", ["x", "v"], ["y"], { group: 3 }, { name: "product" });
    expect(weightBehind([3, 2, 4, 5], path, { s: [6, 4, 5] }, consumer)).toMatchObject({
      reason: 'ConvTranspose "product" reads it reshaped so that its axes mix in the buffer',
    });
  });

  it("refuses a Reshape to more dimensions than a tensor may have", () => {
    const weight = weightBehind(
      [3, 4],
      [node("Unsqueeze", ["W"], ["v"], { axes: Array.from({ length: 63 }, (_, axis) => axis) })],
    );
    expect(weight).toMatchObject({ reason: 'Unsqueeze "v" makes 65 dimensions of it, more than 64' });
  });
});
