import { isStatisticsError } from "@espalier/calibrate";
import {
  decodeModel,
  type Model,
  makeValueInfo,
  type NodeProto,
  type PrunableWeight,
  prunableWeights,
  type TensorProto,
  TensorProto_DataType,
} from "@espalier/onnx";
import type { Tensor } from "@espalier/runtime";
import { buildModel, type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectMeasured, float32, measuredRun } from "../../test-support/measured-run.js";
import { dot, type Patches } from "../../test-support/patches.js";
import { instrument } from "./instrument.js";

const WIDTH = 4;
const HEADS = 2;

type Dims = readonly (number | string)[];

const ints = (name: string, values: readonly number[]): TensorProto =>
  tensor(name, [values.length], BigInt64Array.from(values, BigInt));

function mask(rows: readonly (readonly number[])[]): Tensor {
  return { dtype: "int64", dims: [rows.length, rows[0]!.length], data: BigInt64Array.from(rows.flat(), BigInt) };
}

function model(
  nodes: readonly NodeProto[],
  initializers: readonly TensorProto[],
  output: string,
  x: Dims,
  m: Dims = ["batch", "seq"],
): ModelParts {
  return {
    nodes: [...nodes, node("Identity", ["mask"], ["mask_out"])],
    initializers,
    inputs: [valueInfo("x", "float32", x), valueInfo("mask", "int64", m)],
    outputs: [makeValueInfo(output, TensorProto_DataType.FLOAT), valueInfo("mask_out", "int64", ["batch", "seq"])],
  };
}

/** Rows `[batch][seq]` of what a value `[batch, seq, width]` holds. */
function tokens(data: ArrayLike<number>, batch: number, seq: number, width: number): number[][][] {
  const row = (n: number, t: number) => Array.from({ length: width }, (_, f) => data[(n * seq + t) * width + f]!);
  return Array.from({ length: batch }, (_, n) => Array.from({ length: seq }, (_, t) => row(n, t)));
}

/** The rows of tokens that count. */
function counted(rows: readonly (readonly (readonly number[])[])[], which: readonly (readonly number[])[]): Patches {
  return rows.flatMap((sample, n) => sample.filter((_, t) => which[n]![t] !== 0));
}

/** Every row multiplied with a matrix `[in, out]`. */
function times(rows: readonly (readonly (readonly number[])[])[], matrix: Float32Array, width: number): number[][][] {
  const column = (o: number) => Float32Array.from({ length: matrix.length / width }, (_, i) => matrix[i * width + o]!);
  const columns = Array.from({ length: width }, (_, o) => column(o));
  return rows.map((sample) => sample.map((row) => columns.map((one) => Math.fround(dot(one, row)))));
}

/**
 * Attention as PyTorch exports it, without the attention: sequence first, heads folded into the batch, then all tokens of all
 * sequences as rows, sizes computed in the graph.
 */
function sequenceFirst(): readonly NodeProto[] {
  const size = (axis: number) => [node("Gather", ["shape", `axis${axis}`], [`size${axis}`], { axis: 0 })];
  return [
    node("Transpose", ["x"], ["first"], { perm: [1, 0, 2] }),
    node("MatMul", ["first", "W_in"], ["projected"]),
    node("Shape", ["projected"], ["shape"]),
    ...size(0),
    ...size(1),
    node("Mul", ["size1", "heads"], ["folded"]),
    node("Concat", ["size0", "folded", "head_width"], ["head_shape"], { axis: 0 }),
    node("Reshape", ["projected", "head_shape"], ["by_head"]),
    node("Transpose", ["by_head"], ["heads_first"], { perm: [1, 0, 2] }),
    node("Transpose", ["heads_first"], ["heads_back"], { perm: [1, 0, 2] }),
    node("Mul", ["size0", "size1"], ["all_tokens"]),
    node("Concat", ["all_tokens", "width"], ["flat_shape"], { axis: 0 }),
    node("Reshape", ["heads_back", "flat_shape"], ["flat"]),
    node("Gemm", ["flat", "W_out"], ["mixed"]),
    node("Reshape", ["mixed", "shape"], ["back"]),
    node("Transpose", ["back"], ["batch_first"], { perm: [1, 0, 2] }),
    node("MatMul", ["batch_first", "W_ffn"], ["ffn"]),
    node("ReduceMean", ["ffn"], ["pooled"], { axes: [1], keepdims: 0 }),
    node("Gemm", ["pooled", "W_pool"], ["y"]),
  ];
}

describe("instrument with a mask", () => {
  for (const which of [
    [
      [1, 1, 0],
      [1, 0, 0],
    ],
    // As many tokens as samples: only the way through the graph tells the axes apart.
    [
      [1, 1],
      [1, 0],
    ],
    [
      [0, 7, 0],
      [0, 0, 0],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ]) {
    const [batch, seq] = [which.length, which[0]!.length];
    it(`follows tokens through a sequence-first model, ${JSON.stringify(which)}`, async () => {
      const stream = random(21);
      const x = stream.float32(batch * seq * WIDTH);
      const matrices = ["W_in", "W_out", "W_ffn", "W_pool"].map((name) => ({
        name,
        data: stream.float32(WIDTH * WIDTH),
      }));
      const initializers = [
        ...matrices.map(({ name, data }) => tensor(name, [WIDTH, WIDTH], data)),
        ints("axis0", [0]),
        ints("axis1", [1]),
        ints("heads", [HEADS]),
        ints("head_width", [WIDTH / HEADS]),
        ints("width", [WIDTH]),
      ];
      const { weights, instrumentation } = await measuredRun(
        model(sequenceFirst(), initializers, "y", ["batch", "seq", WIDTH]),
        { x: float32([batch, seq, WIDTH], x), mask: mask(which) },
        { mask: "mask", gram: true },
      );
      expect(instrumentation.unsupported).toEqual([]);
      const rows = tokens(x, batch, seq, WIDTH);
      const projected = times(rows, matrices[0]!.data, WIDTH);
      const mixed = times(projected, matrices[1]!.data, WIDTH);
      const ffn = times(mixed, matrices[2]!.data, WIDTH);
      const mean = ffn.map((sample) => sample[0]!.map((_, f) => sample.reduce((sum, row) => sum + row[f]!, 0) / seq));
      const seen = { W_in: rows, W_out: projected, W_ffn: mixed };
      for (const [name, all] of Object.entries(seen)) {
        const patches = counted(all, which);
        if (patches.length > 0) expectMeasured(weights.get(name), [patches]);
        else expect(weights.get(name)).toMatchObject({ sums: [0, 0, 0, 0], count: 0 });
      }
      // One position for each sample, whatever the mask says.
      expectMeasured(weights.get("W_pool"), [mean]);
    });
  }

  it("selects: a NaN at a position that does not count changes nothing", async () => {
    const x = Float32Array.of(1, 2, 3, 4, Number.NaN, 1, Number.POSITIVE_INFINITY, 0);
    const { weights } = await measuredRun(
      model([node("MatMul", ["x", "W"], ["y"])], [tensor("W", [4, 1], new Float32Array(4))], "y", [
        "batch",
        "seq",
        WIDTH,
      ]),
      { x: float32([1, 2, WIDTH], x), mask: mask([[1, 0]]) },
      { mask: "mask" },
    );
    expect(weights.get("W")).toEqual({ sums: [1, 4, 9, 16], count: 1 });
  });

  it("counts every head of a token", async () => {
    const which = [
      [1, 0, 1],
      [0, 1, 0],
    ];
    const x = random(4).float32(2 * HEADS * 3 * WIDTH);
    const heads = [
      node("Reshape", ["x", "head_shape"], ["h"]),
      node("Transpose", ["h"], ["t"], { perm: [0, 2, 1, 3] }),
      node("MatMul", ["t", "W"], ["y"]),
    ];
    const { weights } = await measuredRun(
      model(heads, [ints("head_shape", [0, 0, HEADS, WIDTH]), tensor("W", [WIDTH, 1], new Float32Array(WIDTH))], "y", [
        "batch",
        "seq",
        HEADS * WIDTH,
      ]),
      { x: float32([2, 3, HEADS * WIDTH], x), mask: mask(which) },
      { mask: "mask" },
    );
    const rows = tokens(x, 2, 3, HEADS * WIDTH).map((sample) =>
      sample.map((row) => [row.slice(0, WIDTH), row.slice(WIDTH)]),
    );
    expectMeasured(weights.get("W"), [rows.flatMap((sample, n) => sample.filter((_, t) => which[n]![t] === 1)).flat()]);
  });

  it("keeps sight of tokens where positions are added that have a number", async () => {
    const which = [
      [1, 0, 1],
      [0, 1, 1],
    ];
    const data = random(4).float32(2 * 3 * WIDTH);
    const positions = tensor("P", [1, 3, WIDTH], new Float32Array(3 * WIDTH));
    const { weights } = await measuredRun(
      model(
        [node("Add", ["P", "x"], ["v"]), node("MatMul", ["v", "W"], ["y"])],
        [positions, tensor("W", [WIDTH, 1], new Float32Array(WIDTH))],
        "y",
        ["batch", "seq", WIDTH],
      ),
      { x: float32([2, 3, WIDTH], data), mask: mask(which) },
      { mask: "mask" },
    );
    expectMeasured(weights.get("W"), [counted(tokens(data, 2, 3, WIDTH), which)]);
  });

  it("leaves out padding and steps that are not run, for a recurrent layer; not for its state", async () => {
    const which = [
      [1, 0, 1],
      [0, 1, 1],
    ];
    const data = random(4).float32(2 * 3 * WIDTH);
    const { weights, instrumentation } = await measuredRun(
      model(
        [
          node("Transpose", ["x"], ["t"], { perm: [1, 0, 2] }),
          node("RNN", ["t", "W", "R", "", "lengths"], ["y"], { hidden_size: 1 }),
        ],
        [
          tensor("W", [1, 1, WIDTH], new Float32Array(WIDTH)),
          tensor("R", [1, 1, 1], Float32Array.of(1)),
          tensor("lengths", [2], Int32Array.of(3, 2)),
        ],
        "y",
        ["batch", "seq", WIDTH],
      ),
      { x: float32([2, 3, WIDTH], data), mask: mask(which) },
      { mask: "mask" },
    );
    const both = [
      [1, 0, 1],
      [0, 1, 0],
    ];
    expectMeasured(weights.get("W"), [counted(tokens(data, 2, 3, WIDTH), both)]);
    expect(instrumentation.unsupported.map(({ name }) => name)).toEqual(["R"]);
  });

  for (const [what, x, m] of [
    ["the same numbers", [2, 3, WIDTH], [2, 3]],
    ["no sizes", ["", "", WIDTH], ["", ""]],
    ["names that mean nothing", ["?", "?", WIDTH], ["?", "?"]],
    ["one number", ["batch", 3, WIDTH], ["batch", 3]],
  ] as const) {
    it(`takes an input that declares ${what} as the mask does to have its axes`, async () => {
      const which = [
        [1, 0, 1],
        [0, 1, 1],
      ];
      const data = random(4).float32(2 * 3 * WIDTH);
      const flat = [node("Reshape", ["x", "flat"], ["rows"]), node("Gemm", ["rows", "W"], ["y"])];
      const { weights } = await measuredRun(
        model(flat, [ints("flat", [-1, WIDTH]), tensor("W", [WIDTH, 1], new Float32Array(WIDTH))], "y", x, m),
        { x: float32([2, 3, WIDTH], data), mask: mask(which) },
        { mask: "mask" },
      );
      expectMeasured(weights.get("W"), [counted(tokens(data, 2, 3, WIDTH), which)]);
    });
  }

  const W = tensor("W", [WIDTH, 1], new Float32Array(WIDTH));
  const product = node("MatMul", ["v", "W"], ["y"]);
  const unclear: readonly (readonly [string, ModelParts, RegExp])[] = [
    [
      "come from an operator that is not followed",
      model(
        [node("Compress", ["x", "c"], ["v"], { axis: 1 }), product],
        [W, tensor("c", [1], { dtype: "bool", bits: Uint8Array.of(1) })],
        "y",
        ["batch", "seq", WIDTH],
      ),
      /could not be followed/,
    ],
    [
      "have sizes of another name",
      model([node("Identity", ["x"], ["v"]), product], [W], "y", ["batch", "other", WIDTH]),
      /\[batch, other\]/,
    ],
    [
      "are cut",
      model(
        [node("Slice", ["x", "zero", "two", "one"], ["v"]), product],
        [W, ints("zero", [0]), ints("one", [1]), ints("two", [2])],
        "y",
        ["batch", "seq", WIDTH],
      ),
      /\[batch, #\d+\]/,
    ],
    [
      "are mixed up by a Reshape",
      model([node("Reshape", ["x", "s"], ["v"]), product], [W, ints("s", [3, -1, WIDTH])], "y", [
        "batch",
        "seq",
        WIDTH,
      ]),
      /is not known/,
    ],
    [
      "are convolved",
      model(
        [node("Transpose", ["x"], ["v"], { perm: [0, 2, 1] }), node("Conv", ["v", "W3"], ["y"])],
        [tensor("W3", [1, WIDTH, 2], new Float32Array(2 * WIDTH))],
        "y",
        ["batch", "seq", WIDTH],
      ),
      /\[batch, seq\]/,
    ],
  ];
  for (const [what, parts, reason] of unclear) {
    it(`says so where inputs ${what}, rather than count padding`, () => {
      const { unsupported, probes } = instrumented(parts);
      expect(probes).toEqual([]);
      expect(unsupported[0]!.reason).toMatch(reason);
    });
  }

  it("leaves images alone", () => {
    const parts = model([node("Conv", ["x", "K"], ["y"])], [tensor("K", [1, 3, 2, 2], new Float32Array(12))], "y", [
      "images",
      3,
      "height",
      "width",
    ]);
    expect(instrumented(parts).probes).toHaveLength(1);
  });

  it("refuses a mask that is no input, or not [batch, seq]", () => {
    const parts = model([node("MatMul", ["x", "W"], ["y"])], [W], "y", ["batch", "seq", WIDTH]);
    for (const name of ["attention_mask", "x"]) {
      let error: unknown;
      try {
        instrument(decodeModel(buildModel(parts)), [], { mask: name });
      } catch (caught) {
        error = caught;
      }
      expect(isStatisticsError(error, "bad-option")).toBe(true);
      expect(String(error)).toMatch(JSON.stringify(name));
    }
  });
});

function instrumented(parts: ModelParts) {
  const decoded = decodeModel(buildModel(parts));
  return instrument(decoded, weightsOf(decoded), { mask: "mask" });
}

function weightsOf(decoded: Model): readonly PrunableWeight[] {
  return prunableWeights(decoded).filter((weight) => weight.prunable);
}
