import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { appendToGraph, decodeModel, encodeModel, type Model, type NodeProto, type TensorProto } from "@espalier/onnx";
import { openRunner, type Sample } from "@espalier/runtime";
import {
  buildModel,
  type ModelParts,
  node,
  ocrModelPath,
  random,
  tensor,
  tokenBatch,
  useLitePath,
  valueInfo,
} from "@espalier/testkit";
import { ValueInfoProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { float32 } from "../../../test-support/measured-run.js";
import { keyOf, type Shape } from "./dim.js";
import { inferShapes } from "./infer-shapes.js";

/** Checks every shape that was inferred against the one that ONNX Runtime makes; returns how many of the values had one. */
async function checkAgainstRun(model: Model, feeds: Sample): Promise<{ readonly known: number; readonly all: number }> {
  const graph = model.proto.graph!;
  const names = graph.node.flatMap(({ output }) => output).filter((name) => name !== "");
  const outputs = names.filter((name) => !graph.output.some((output) => output.name === name));
  const all = appendToGraph(model, { outputs: outputs.map((name) => create(ValueInfoProtoSchema, { name })) });
  const runner = await openRunner(encodeModel(all), { optimization: "disabled" });
  const results = await runner.run(feeds);
  await runner.close();
  const shapes = inferShapes(model);
  // The same name is the same number everywhere.
  const sizes = new Map<string, number>();
  let known = 0;
  for (const name of names) {
    const shape = shapes.of(name);
    if (shape === undefined) continue;
    known++;
    const { dims } = results[name]!;
    expect([name, shape.length]).toEqual([name, dims.length]);
    for (const [axis, dim] of shape.entries()) {
      if (dim.length === 0 || typeof dim[0] === "number")
        expect([name, axis, dim[0] ?? 1]).toEqual([name, axis, dims[axis]]);
      if (dim.length !== 1 || typeof dim[0] === "number") continue;
      const size = sizes.get(dim[0]!) ?? dims[axis];
      sizes.set(dim[0]!, size!);
      expect([name, axis, dim[0], size]).toEqual([name, axis, dim[0], dims[axis]]);
    }
  }
  return { known, all: names.length };
}

const ints = (name: string, values: readonly number[] | number): TensorProto =>
  typeof values === "number"
    ? tensor(name, [], BigInt64Array.of(BigInt(values)))
    : tensor(name, [values.length], BigInt64Array.from(values, BigInt));

interface RuleCase {
  readonly nodes: readonly NodeProto[];
  readonly constants?: readonly TensorProto[];
  readonly opset?: number;
  /** What is expected of `y`: sizes as text. */
  readonly y: string;
}

/** Inputs `x` [B, S, 8], `i` int64 [B, S], `m` [2, 3, 12, 12] of numbers and `p` [N, 3, H, W]. */
const CASES: Readonly<Record<string, RuleCase>> = {
  "elementwise broadcasting": {
    nodes: [node("Add", ["x", "c"], ["y"])],
    constants: [tensor("c", [1, 8], new Float32Array(8))],
    y: "B, S, 8",
  },
  "a number against a name": {
    nodes: [node("Add", ["x", "c"], ["y"])],
    constants: [tensor("c", [5, 1], new Float32Array(5))],
    y: "B, 5, 8",
  },
  "MatMul with batch dims": {
    nodes: [node("Transpose", ["x"], ["t"], { perm: [0, 2, 1] }), node("MatMul", ["x", "t"], ["y"])],
    y: "B, S, S",
  },
  "MatMul with a list": {
    nodes: [node("MatMul", ["x", "c"], ["y"])],
    constants: [tensor("c", [8], new Float32Array(8))],
    y: "B, S",
  },
  "Gemm, both transposed": {
    nodes: [node("Gemm", ["c", "d"], ["y"], { transA: 1, transB: 1 })],
    constants: [tensor("c", [4, 2], new Float32Array(8)), tensor("d", [3, 4], new Float32Array(12))],
    y: "2, 3",
  },
  "Reshape with 0 and -1": {
    nodes: [node("Reshape", ["x", "s"], ["y"])],
    constants: [ints("s", [0, 0, 2, -1])],
    y: "B, S, 2, 4",
  },
  "Reshape to rows": { nodes: [node("Reshape", ["x", "s"], ["y"])], constants: [ints("s", [-1, 8])], y: "B*S, 8" },
  "Reshape to a computed shape": {
    nodes: [
      node("Shape", ["x"], ["s"]),
      node("Slice", ["s", "z", "t"], ["bs"]),
      node("Concat", ["bs", "h"], ["n"], { axis: 0 }),
      node("Reshape", ["x", "n"], ["y"]),
    ],
    constants: [ints("z", [0]), ints("t", [2]), ints("h", [4, 2])],
    y: "B, S, 4, 2",
  },
  "sizes multiplied and divided": {
    nodes: [
      node("Shape", ["x"], ["s"]),
      node("Gather", ["s", "zero"], ["b"]),
      node("Gather", ["s", "one"], ["l"]),
      node("Mul", ["b", "four"], ["b4"]),
      node("Div", ["eight", "four"], ["two"]),
      node("Unsqueeze", ["b4", "axes"], ["u0"]),
      node("Unsqueeze", ["l", "axes"], ["u1"]),
      node("Unsqueeze", ["two", "axes"], ["u2"]),
      node("Concat", ["u0", "u1", "u2"], ["n"], { axis: 0 }),
      node("Reshape", ["x", "h"], ["x4"]),
      node("Transpose", ["x4"], ["t"], { perm: [0, 2, 1, 3] }),
      node("Reshape", ["t", "n"], ["y"]),
    ],
    constants: [
      ints("zero", 0),
      ints("one", 1),
      ints("four", 4),
      ints("eight", 8),
      ints("axes", [0]),
      ints("h", [0, 0, 4, 2]),
    ],
    y: "B*4, S, 2",
  },
  Flatten: { nodes: [node("Flatten", ["x"], ["y"], { axis: 2 })], y: "B*S, 8" },
  "Squeeze and Unsqueeze, opset 11": {
    nodes: [node("Unsqueeze", ["x"], ["u"], { axes: [0, -1] }), node("Squeeze", ["u"], ["y"], { axes: [0] })],
    opset: 11,
    y: "B, S, 8, 1",
  },
  Concat: { nodes: [node("Concat", ["x", "x"], ["y"], { axis: -1 })], y: "B, S, 16" },
  "Split into equal parts": { nodes: [node("Split", ["x"], ["y", "z"], { axis: -1 })], y: "B, S, 4" },
  "Split by a list": {
    nodes: [node("Split", ["x", "s"], ["y", "z"], { axis: 2 })],
    constants: [ints("s", [3, 5])],
    y: "B, S, 3",
  },
  "Slice of a known size": {
    nodes: [node("Slice", ["x", "a", "b", "c", "d"], ["y"])],
    constants: [ints("a", [1]), ints("b", [-1]), ints("c", [2]), ints("d", [2])],
    y: "B, S, 3",
  },
  "Slice of the first token": {
    nodes: [node("Slice", ["x", "a", "b", "c"], ["y"])],
    constants: [ints("a", [0]), ints("b", [1]), ints("c", [1])],
    y: "B, 1, 8",
  },
  "Slice of the last token, opset 9": {
    nodes: [node("Slice", ["x"], ["y"], { axes: [1], starts: [-1], ends: [2147483647] })],
    opset: 9,
    y: "B, 1, 8",
  },
  "Slice of some tokens": {
    nodes: [node("Slice", ["x", "a", "b", "c"], ["y"])],
    constants: [ints("a", [0]), ints("b", [5]), ints("c", [1])],
    y: "B, #0, 8",
  },
  "Gather of embeddings": {
    nodes: [node("Gather", ["c", "i"], ["y"])],
    constants: [tensor("c", [5, 4], new Float32Array(20))],
    y: "B, S, 4",
  },
  "Gather of one token": {
    nodes: [node("Gather", ["x", "a"], ["y"], { axis: 1 })],
    constants: [ints("a", 0)],
    y: "B, 8",
  },
  "ReduceMean, opset 11": {
    nodes: [node("ReduceMean", ["x"], ["y"], { axes: [1], keepdims: 0 })],
    opset: 11,
    y: "B, 8",
  },
  "ReduceSum, axes as an input": {
    nodes: [node("ReduceSum", ["x", "a"], ["y"])],
    constants: [ints("a", [-1])],
    y: "B, S, 1",
  },
  "Expand to a computed shape": {
    nodes: [node("Shape", ["x"], ["s"]), node("Expand", ["c", "s"], ["y"])],
    constants: [tensor("c", [8], new Float32Array(8))],
    y: "B, S, 8",
  },
  "ConstantOfShape and Range": {
    nodes: [
      node("Shape", ["x"], ["s"]),
      node("Gather", ["s", "a"], ["n"]),
      node("Range", ["z", "n", "a"], ["r"]),
      node("Shape", ["r"], ["q"]),
      node("ConstantOfShape", ["q"], ["y"]),
    ],
    constants: [ints("a", 1), ints("z", 0)],
    y: "S",
  },
  "Conv that keeps sizes": {
    nodes: [node("Conv", ["p", "c"], ["y"], { pads: [1, 1, 1, 1] })],
    constants: [tensor("c", [4, 3, 3, 3], new Float32Array(108))],
    y: "N, 4, H, W",
  },
  "Conv of numbers": {
    nodes: [node("Conv", ["m", "c"], ["y"], { strides: [2, 2], kernel_shape: [3, 3] })],
    constants: [tensor("c", [4, 3, 3, 3], new Float32Array(108))],
    y: "2, 4, 5, 5",
  },
  SAME_UPPER: {
    nodes: [node("MaxPool", ["m"], ["y"], { kernel_shape: [3, 3], strides: [5, 1], auto_pad: "SAME_UPPER" })],
    y: "2, 3, 3, 12",
  },
  "pools, twice the same": {
    nodes: [
      node("MaxPool", ["p"], ["a"], { kernel_shape: [2, 2], strides: [2, 2] }),
      node("AveragePool", ["p"], ["b"], { kernel_shape: [2, 2], strides: [2, 2] }),
      node("Sub", ["a", "b"], ["y"]),
    ],
    y: 'N, 3, windows {"kernel":2,"stride":2,"dilation":1,"padding":{"begin":0,"end":0}}(H), windows {"kernel":2,"stride":2,"dilation":1,"padding":{"begin":0,"end":0}}(W)',
  },
  GlobalAveragePool: { nodes: [node("GlobalAveragePool", ["p"], ["y"])], y: "N, 3, 1, 1" },
  "Resize by scales": {
    nodes: [node("Resize", ["m", "", "c"], ["y"])],
    constants: [tensor("c", [4], Float32Array.of(1, 1, 2, 0.5))],
    y: "2, 3, 24, 6",
  },
  "Upsample, opset 9": {
    nodes: [node("Upsample", ["m", "c"], ["y"])],
    constants: [tensor("c", [4], Float32Array.of(1, 1, 2, 3))],
    opset: 9,
    y: "2, 3, 24, 36",
  },
  LSTM: {
    nodes: [node("LSTM", ["x", "w", "r"], ["y"], { hidden_size: 3, direction: "bidirectional" })],
    constants: [tensor("w", [2, 12, 8], new Float32Array(192)), tensor("r", [2, 12, 3], new Float32Array(72))],
    y: "B, 2, S, 3",
  },
  Einsum: {
    nodes: [node("Einsum", ["x", "c"], ["y"], { equation: "bsk,kn->nsb" })],
    constants: [tensor("c", [8, 4], new Float32Array(32))],
    y: "4, S, B",
  },
  "what nobody knows": { nodes: [node("NonZero", ["x"], ["z"]), node("Transpose", ["z"], ["y"])], y: "unknown" },
};

function modelOf({ nodes, constants, opset }: RuleCase): ModelParts {
  return {
    nodes,
    initializers: constants ?? [],
    opset: opset ?? 17,
    inputs: [
      valueInfo("x", "float32", ["B", "S", 8]),
      valueInfo("i", "int64", ["B", "S"]),
      valueInfo("m", "float32", [2, 3, 12, 12]),
      valueInfo("p", "float32", ["N", 3, "H", "W"]),
    ],
    outputs: [],
  };
}

const text = (shape: Shape | undefined): string => shape?.map(keyOf).join(", ") ?? "unknown";

describe("inferShapes", () => {
  for (const [name, one] of Object.entries(CASES)) {
    it(`follows ${name}`, () => {
      expect(text(inferShapes(decodeModel(buildModel(modelOf(one)))).of("y"))).toBe(one.y);
    });
  }

  it("takes what the file states where it knows less", () => {
    const stated = [valueInfo("u", "float32", ["B", 7]), valueInfo("v", "float32", [3, "S"])];
    const nodes = [
      node("NonZero", ["x"], ["u"]),
      node("Slice", ["x", "a", "b", "c"], ["s"]),
      node("Reshape", ["s", "n"], ["v"]),
    ];
    const constants = [ints("a", [0]), ints("b", [3]), ints("c", [1]), ints("n", [-1, 8])];
    const shapes = inferShapes(
      decodeModel(buildModel({ ...modelOf({ nodes, constants, y: "" }), valueInfos: stated })),
    );
    expect(text(shapes.of("u"))).toBe("B, 7");
    expect(text(shapes.of("v"))).toBe("B*#0, 8");
  });

  it("agrees with ONNX Runtime on every value of real models", async () => {
    const image = (dims: readonly number[]) => ({
      x: float32(dims, random(1).float32(dims.reduce((all, size) => all * size, 1))),
    });
    const runs: readonly (readonly [Uint8Array, Sample])[] = [
      [readFileSync(ocrModelPath("recognition")), image([2, 3, 48, 64])],
      [readFileSync(ocrModelPath("detection")), image([1, 3, 64, 96])],
      [readFileSync(ocrModelPath("classification")), image([2, 3, 48, 80])],
      [readFileSync(useLitePath()), tokenBatch(["one", "and two three"])],
    ];
    for (const [bytes, feeds] of runs) {
      const { known, all } = await checkAgainstRun(decodeModel(bytes), feeds);
      expect(known).toBe(all);
    }
  });
});
