import { appendToGraph, type Model, makeNode, makeValueInfo } from "@espalier/onnx";
import { buildModel, node, random, type TensorBits, tensor, valueInfo } from "@espalier/testkit";

/** Elements of a weight `W` as typed array, and a node that multiplies with it. */
export interface WeightCase {
  readonly name: string;
  readonly dims: readonly number[];
  readonly elements: Parameters<typeof tensor>[2];
  /** Nodes that read `W`; every other value they read is in `others`. */
  readonly nodes: readonly ReturnType<typeof node>[];
  readonly others: readonly ReturnType<typeof tensor>[];
}

/** Positions that are not zero. */
type Kept = (index: number) => boolean;

const halves = (count: number, keeps: Kept): TensorBits => {
  const { int } = random(7);
  return { dtype: "float16", bits: Uint16Array.from({ length: count }, (_, i) => (keeps(i) ? 1 + int(0x7bff) : 0)) };
};

/** Normal numbers where `keeps` says so, none of them zero. */
export function weights(count: number, keeps: Kept, seed = 1): Float32Array<ArrayBuffer> {
  return random(seed)
    .float32(count)
    .map((value, index) => (keeps(index) ? value || 1 : 0)) as Float32Array<ArrayBuffer>;
}

const product = (dims: readonly number[]) => dims.reduce((all, size) => all * size, 1);

function matmul(name: string, dims: readonly [number, number], elements: WeightCase["elements"], dtype = "float32") {
  const x = dtype === "float64" ? new Float64Array(dims[0]).fill(1) : new Float32Array(dims[0]).fill(1);
  const others = [tensor("x", [1, dims[0]], x)];
  return { name, dims, elements, others, nodes: [node("MatMul", ["x", "W"], ["y"])] };
}

function sparse(name: string, dims: readonly [number, number], keeps: Kept): WeightCase {
  return matmul(name, dims, weights(product(dims), keeps));
}

/** Keeps about so many of a hundred. */
const percent = (share: number, seed = 3): Kept => {
  const { int } = random(seed);
  const kept = new Map<number, boolean>();
  return (index) => {
    if (!kept.has(index)) kept.set(index, int(100) < share);
    return kept.get(index)!;
  };
};

function bitPatterns(): Float32Array<ArrayBuffer> {
  const bits = Uint32Array.of(0x80000000, 0, 0x7f800001, 0xffc12345, 0x7f800000, 0xff800000, 1, 0x807fffff, 0, 0, 0, 0);
  return new Float32Array(bits.buffer);
}

const convolution = (name: string, dims: readonly number[], elements: Float32Array): WeightCase => ({
  name,
  dims,
  elements: elements as Float32Array<ArrayBuffer>,
  others: [tensor("x", [1, dims[1]!, 3, 3], new Float32Array(dims[1]! * 9).fill(1))],
  nodes: [node("Conv", ["x", "W"], ["y"])],
});

/** Conv weights `[out, in, 3, 3]` with two of every four input channels at each kernel position, other ones at each. */
const twoOfFourConv: Kept = (index) => {
  const [position, channel] = [index % 9, Math.floor(index / 9)];
  return (channel + position) % 4 < 2;
};

/** A graph for each shape and pattern that encodings have to get right. */
export const WEIGHT_CASES: readonly WeightCase[] = [
  sparse("1x1", [1, 1], () => true),
  sparse("1x1 of zero", [1, 1], () => false),
  sparse("5x7 at 60 %, no multiple of 8", [5, 7], percent(40)),
  sparse("24x16 at 50 %", [24, 16], percent(50)),
  sparse("all zero, 4x6", [4, 6], () => false),
  sparse("no zero, 3x5", [3, 5], () => true),
  sparse("no zero, 4x4", [4, 4], () => true),
  sparse("gaps over 15 and 255", [1, 900], (index) => [3, 25, 26, 600, 899].includes(index)),
  sparse("gaps of 15, 16, 255 and 256", [6, 100], (index) => [15, 31, 286, 542].includes(index)),
  sparse("2:4 along K, 216 patterns", [16, 3], (index) => [0, 2].includes((Math.floor(index / 3) + (index % 3)) % 4)),
  sparse("2:4 along K, a group a byte", [4, 5], (index) => Math.floor(index / 5) % 2 === 1),
  sparse("1:4 along K, less in some groups", [8, 4], (index) => Math.floor(index / 4) % 4 === 3 && index % 4 < 3),
  sparse("4:8 along K", [16, 2], (index) => (Math.floor(index / 2) * 5) % 8 < 4),
  matmul("−0, NaN payloads, infinities, subnormals", [12, 1], bitPatterns()),
  matmul(
    "float64",
    [6, 9],
    Float64Array.from(weights(54, percent(30)), (value) => value / 3),
    "float64",
  ),
  {
    name: "float16",
    dims: [8, 9],
    elements: halves(72, percent(40)),
    others: [tensor("x", [1, 8], new Float32Array(8).fill(1))],
    nodes: [node("Cast", ["W"], ["wide"], { to: 1 }), node("MatMul", ["x", "wide"], ["y"])],
  },
  {
    name: "int8",
    dims: [8, 4],
    elements: Int8Array.from({ length: 32 }, (_, index) => (index % 3 === 0 ? index - 16 : 0)),
    others: [
      tensor("x", [1, 8], new Float32Array(8).fill(1)),
      tensor("scale", [4], Float32Array.of(0.1, 0.2, 0.3, 0.4)),
    ],
    nodes: [node("DequantizeLinear", ["W", "scale"], ["wide"], { axis: 1 }), node("MatMul", ["x", "wide"], ["y"])],
  },
  {
    ...sparse("Gemm, transposed", [6, 8], (index) => index % 4 < 2),
    others: [tensor("x", [1, 8], new Float32Array(8).fill(1))],
    nodes: [node("Gemm", ["x", "W"], ["y"], { transB: 1 })],
  },
  convolution("Conv 3x3 at 70 %", [5, 3, 3, 3], weights(135, percent(30))),
  convolution("Conv 3x3 with 2:4 input channels", [3, 8, 3, 3], weights(216, twoOfFourConv)),
  {
    ...sparse("2:4 across two axes of a reshaped weight", [8, 6], (index) => Math.floor(index / 6) % 4 < 2),
    dims: [2, 4, 6],
    others: [tensor("x", [1, 8], new Float32Array(8).fill(1)), tensor("flat", [2], BigInt64Array.of(8n, 6n))],
    nodes: [node("Reshape", ["W", "flat"], ["matrix"]), node("MatMul", ["x", "matrix"], ["y"])],
  },
  {
    name: "ConvTranspose in 2 groups, 2:4",
    dims: [8, 3, 2, 2],
    elements: weights(96, (index) => (Math.floor(index / 12) + index) % 4 < 2),
    others: [tensor("x", [1, 8, 2, 2], new Float32Array(32).fill(1))],
    nodes: [node("ConvTranspose", ["x", "W"], ["y"], { group: 2 })],
  },
  {
    name: "LSTM",
    dims: [1, 16, 5],
    elements: weights(80, percent(45)),
    others: [
      tensor("x", [2, 1, 5], new Float32Array(10).fill(1)),
      tensor("R", [1, 16, 4], new Float32Array(64).fill(0.5)),
    ],
    nodes: [node("LSTM", ["x", "W", "R"], ["y"], { hidden_size: 4 })],
  },
];

/** The model with `W` as its output `decoded`, which it must not have before: weights that are handed out are not pruned. */
export function withWeightAsOutput(model: Model, { dims, elements }: WeightCase): Model {
  const { dataType } = tensor("W", dims, elements);
  const outputs = [makeValueInfo("decoded", dataType, [...dims])];
  return appendToGraph(model, { nodes: [makeNode("Identity", ["W"], ["decoded"])], outputs });
}

/** A model without inputs that multiplies with the weight `W`, which is an initializer or a Constant node. */
export function weightModel(
  { dims, elements, nodes, others }: WeightCase,
  options: { readonly opset?: number; readonly irVersion?: number; readonly constant?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const weight = tensor("W", dims, elements);
  const first = options.constant ? [node("Constant", [], ["W"], { value: weight })] : [];
  const initializers = options.constant ? others : [weight, ...others];
  const declared = (options.irVersion ?? 8) < 4 ? initializers.map((one) => valueInfo(one.name, "float32", [])) : [];
  for (const [index, input] of declared.entries()) {
    const { dims: sizes } = initializers[index]!;
    declared[index] = valueInfo(input.name, "float32", sizes.map(Number));
  }
  return buildModel({
    ...options,
    nodes: [...first, ...nodes],
    initializers,
    inputs: declared,
  });
}
