import type { Sample } from "@espalier/runtime";
import { node, random, tensor, valueInfo } from "@espalier/testkit";
import { rowsOf, type Seen, type StageCase } from "./stage-reference.js";

const stream = random(11);

/** A random weight whose products keep the size of their input. */
export function weight(name: string, dims: readonly number[]) {
  const values = stream.float32(dims.reduce((product, size) => product * size, 1));
  return tensor(
    name,
    dims,
    values.map((value) => value / Math.sqrt(dims[0]!)),
  );
}

/** Random float32 tensors. */
export function floats(count: number, dims: readonly number[]): Sample["x"][] {
  const size = dims.reduce((product, one) => product * one, 1);
  return Array.from({ length: count }, () => ({ dtype: "float32" as const, dims, data: stream.float32(size) }));
}

/** Two layers, a bias behind each. */
export const mlp: StageCase = {
  parts: {
    nodes: [
      node("MatMul", ["x", "w1"], ["h"]),
      node("Add", ["h", "b1"], ["hb"]),
      node("Relu", ["hb"], ["a"]),
      node("Gemm", ["a", "w2", "b2"], ["y"], { transB: 1 }),
    ],
    initializers: [weight("w1", [6, 8]), weight("b1", [8]), weight("w2", [5, 8]), weight("b2", [5])],
    inputs: [valueInfo("x", "float32", ["n", 6])],
    outputs: [valueInfo("y", "float32", ["n", 5])],
  },
  samples: floats(10, [4, 6]).map((x) => ({ x })),
  seen: { w1: { values: ["x"], see: rowsOf }, w2: { values: ["a"], see: rowsOf } },
  biases: { w1: "b1" },
};

/** Attention with three products of one input, and a feed-forward part, each with a residual. */
export const transformer: StageCase = {
  parts: {
    nodes: [
      node("MatMul", ["x", "wq"], ["q"]),
      node("MatMul", ["x", "wk"], ["k"]),
      node("MatMul", ["x", "wv"], ["v"]),
      node("Transpose", ["k"], ["kt"], { perm: [0, 2, 1] }),
      node("MatMul", ["q", "kt"], ["scores"]),
      node("Softmax", ["scores"], ["p"], { axis: -1 }),
      node("MatMul", ["p", "v"], ["mixed"]),
      node("MatMul", ["mixed", "wo"], ["o"]),
      node("Add", ["x", "o"], ["r1"]),
      node("MatMul", ["r1", "wu"], ["u"]),
      node("Relu", ["u"], ["ua"]),
      node("MatMul", ["ua", "wd"], ["d"]),
      node("Add", ["r1", "d"], ["y"]),
    ],
    initializers: [
      ...["wq", "wk", "wv", "wo"].map((name) => weight(name, [8, 8])),
      weight("wu", [8, 12]),
      weight("wd", [12, 8]),
    ],
    inputs: [valueInfo("x", "float32", ["n", "s", 8])],
    outputs: [valueInfo("y", "float32", ["n", "s", 8])],
  },
  samples: [...floats(4, [1, 5, 8]), ...floats(3, [1, 3, 8])].map((x) => ({ x })),
  seen: {
    ...Object.fromEntries(["wq", "wk", "wv"].map((name) => [name, { values: ["x"], see: rowsOf }])),
    wo: { values: ["mixed"], see: rowsOf },
    wu: { values: ["r1"], see: rowsOf },
    wd: { values: ["ua"], see: rowsOf },
  },
  // Before `wo` everything is as in the dense model.
  residuals: { wd: { values: ["r1"], see: rowsOf } },
};

/** Patches of a 3×3 convolution with padding 1 and stride 1, group by group, or of a 1×1 one. */
function patchesOf(groups: number, kernel: 1 | 3) {
  return ([x]: readonly Sample["x"][]): Seen => {
    const [n, channels, height, width] = x!.dims as [number, number, number, number];
    const data = x!.data as Float32Array;
    const at = (b: number, c: number, i: number, j: number): number =>
      i < 0 || j < 0 || i >= height || j >= width ? 0 : data[((b * channels + c) * height + i) * width + j]!;
    const range = (size: number): number[] => [...Array(size).keys()];
    const pad = (kernel - 1) / 2;
    return range(groups).map((group) =>
      range(n).flatMap((b) =>
        range(height).flatMap((i) =>
          range(width).map((j) =>
            range(channels / groups).flatMap((c) =>
              range(kernel).flatMap((ki) =>
                range(kernel).map((kj) => at(b, group * (channels / groups) + c, i + ki - pad, j + kj - pad)),
              ),
            ),
          ),
        ),
      ),
    );
  };
}

/** Two branches, one of them grouped, that are joined again. */
export const convolutions: StageCase = {
  parts: {
    nodes: [
      node("Conv", ["x", "c1", "cb1"], ["f1"], { pads: [1, 1, 1, 1] }),
      node("Relu", ["f1"], ["a1"]),
      node("Conv", ["a1", "c2"], ["f2"], { pads: [1, 1, 1, 1], group: 2 }),
      node("Conv", ["a1", "c3"], ["f3"]),
      node("Concat", ["f2", "f3"], ["both"], { axis: 1 }),
      node("Relu", ["both"], ["a2"]),
      node("Conv", ["a2", "c4"], ["f4"]),
      node("GlobalAveragePool", ["f4"], ["pooled"]),
      node("Flatten", ["pooled"], ["flat"]),
      node("MatMul", ["flat", "w"], ["y"]),
    ],
    initializers: [
      weight("c1", [4, 2, 3, 3]),
      weight("cb1", [4]),
      weight("c2", [4, 2, 3, 3]),
      weight("c3", [3, 4, 1, 1]),
      weight("c4", [5, 7, 1, 1]),
      weight("w", [5, 3]),
    ],
    inputs: [valueInfo("x", "float32", ["n", 2, "h", "w_"])],
    outputs: [valueInfo("y", "float32", ["n", 3])],
  },
  samples: floats(7, [2, 2, 5, 4]).map((x) => ({ x })),
  seen: {
    c1: { values: ["x"], see: patchesOf(1, 3) },
    c2: { values: ["a1"], see: patchesOf(2, 3) },
    c3: { values: ["a1"], see: patchesOf(1, 1) },
    c4: { values: ["a2"], see: patchesOf(1, 1) },
    w: { values: ["flat"], see: rowsOf },
  },
  biases: { c1: "cb1" },
};

/** A residual connection around two convolutions. */
export const residualConvolutions: StageCase = {
  parts: {
    nodes: [
      node("Conv", ["x", "c0"], ["f0"], { pads: [1, 1, 1, 1] }),
      node("Relu", ["f0"], ["a0"]),
      node("Conv", ["a0", "c1"], ["f1"]),
      node("Relu", ["f1"], ["a1"]),
      node("Conv", ["a1", "c2", "b2"], ["f2"], { pads: [1, 1, 1, 1] }),
      node("Add", ["f2", "a0"], ["r"]),
      node("Conv", ["r", "c3"], ["y"]),
    ],
    initializers: [
      weight("c0", [4, 2, 3, 3]),
      weight("c1", [3, 4, 1, 1]),
      weight("c2", [4, 3, 3, 3]),
      weight("b2", [4]),
      weight("c3", [2, 4, 1, 1]),
    ],
    inputs: [valueInfo("x", "float32", ["n", 2, "h", "w"])],
    outputs: [valueInfo("y", "float32", ["n", 2, "h", "w"])],
  },
  samples: floats(5, [2, 2, 3, 4]).map((x) => ({ x })),
  seen: {
    c0: { values: ["x"], see: patchesOf(1, 3) },
    c1: { values: ["a0"], see: patchesOf(1, 1) },
    c2: { values: ["a1"], see: patchesOf(1, 3) },
    c3: { values: ["r"], see: patchesOf(1, 1) },
  },
  // Each pixel of the other summand, by channels.
  residuals: { c2: { values: ["a0"], see: patchesOf(1, 1) } },
};

/** A lookup and a float input, joined before the last product. */
export const twoInputs: StageCase = {
  parts: {
    nodes: [
      node("Gather", ["table", "id"], ["e"]),
      node("MatMul", ["e", "w1"], ["h1"]),
      node("Tanh", ["h1"], ["a1"]),
      node("MatMul", ["x", "w2"], ["h2"]),
      node("Concat", ["a1", "h2", "x"], ["all"], { axis: 1 }),
      node("MatMul", ["all", "w3"], ["y"]),
    ],
    initializers: [weight("table", [5, 4]), weight("w1", [4, 6]), weight("w2", [3, 4]), weight("w3", [13, 2])],
    inputs: [valueInfo("id", "int64", ["n"]), valueInfo("x", "float32", ["n", 3])],
    outputs: [valueInfo("y", "float32", ["n", 2])],
  },
  samples: floats(8, [3, 3]).map((x, index) => ({
    x,
    id: { dtype: "int64" as const, dims: [3], data: BigInt64Array.of(BigInt(index % 5), 2n, BigInt((index * 3) % 5)) },
  })),
  seen: {
    w1: { values: ["e"], see: rowsOf },
    w2: { values: ["x"], see: rowsOf },
    w3: { values: ["all"], see: rowsOf },
  },
};
