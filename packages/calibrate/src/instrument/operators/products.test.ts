import { type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectLaidOut, laidOutRun } from "../../../test-support/laid-out-run.js";
import { expectClose, expectMeasured, float32, measuredRun } from "../../../test-support/measured-run.js";
import { dot, indices, type Patches } from "../../../test-support/patches.js";
import type { InstrumentOptions } from "../instrumentation.js";

const size = (dims: readonly number[]): number => dims.reduce((all, one) => all * one, 1);

/** Rows of a matrix, or of its transpose. */
function rowsOf(data: Float32Array, rows: number, columns: number, transposed = false): number[][] {
  return Array.from({ length: transposed ? columns : rows }, (_, a) =>
    Array.from(
      { length: transposed ? rows : columns },
      (_, b) => data[transposed ? b * columns + a : a * columns + b]!,
    ),
  );
}

/** Matrices in the last two dims. A list counts as a column on the right and as a row on the left. */
function matricesOf(data: Float32Array, dims: readonly number[], transposed: boolean): number[][][] {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const each = rows * columns;
  return Array.from({ length: data.length / each }, (_, m) =>
    rowsOf(data.slice(m * each, (m + 1) * each), rows, columns, transposed),
  );
}

interface ProductCase {
  readonly name: string;
  readonly op: string;
  readonly weight: readonly number[];
  readonly x: readonly number[];
  /** Which operand the weight is. */
  readonly input: 0 | 1;
  readonly attributes?: Readonly<Record<string, number>>;
  readonly domain?: string;
  /** Whether features are the last axis of x. */
  readonly isLast: boolean;
}

const CASES: readonly ProductCase[] = [
  { name: "MatMul of rank 1", op: "MatMul", weight: [4, 3], x: [4], input: 1, isLast: true },
  { name: "MatMul of rank 2", op: "MatMul", weight: [4, 3], x: [5, 4], input: 1, isLast: true },
  { name: "MatMul of rank 3", op: "MatMul", weight: [4, 3], x: [2, 5, 4], input: 1, isLast: true },
  { name: "MatMul of rank 4", op: "MatMul", weight: [4, 3], x: [2, 3, 5, 4], input: 1, isLast: true },
  { name: "MatMul, constant on the left, rank 1", op: "MatMul", weight: [3, 4], x: [4], input: 0, isLast: true },
  { name: "MatMul, constant on the left, rank 2", op: "MatMul", weight: [3, 4], x: [4, 6], input: 0, isLast: false },
  {
    name: "MatMul, constant on the left, rank 4",
    op: "MatMul",
    weight: [3, 4],
    x: [2, 3, 4, 5],
    input: 0,
    isLast: false,
  },
  { name: "Gemm", op: "Gemm", weight: [4, 3], x: [5, 4], input: 1, isLast: true },
  {
    name: "Gemm with transA",
    op: "Gemm",
    weight: [4, 3],
    x: [4, 5],
    input: 1,
    attributes: { transA: 1 },
    isLast: false,
  },
  {
    name: "Gemm with transB",
    op: "Gemm",
    weight: [3, 4],
    x: [5, 4],
    input: 1,
    attributes: { transB: 1 },
    isLast: true,
  },
  {
    name: "Gemm with transA and transB",
    op: "Gemm",
    weight: [3, 4],
    x: [4, 5],
    input: 1,
    attributes: { transA: 1, transB: 1 },
    isLast: false,
  },
  { name: "Gemm, constant on the left", op: "Gemm", weight: [3, 4], x: [4, 5], input: 0, isLast: false },
  {
    name: "Gemm, constant on the left, transA",
    op: "Gemm",
    weight: [4, 3],
    x: [4, 5],
    input: 0,
    attributes: { transA: 1 },
    isLast: false,
  },
  {
    name: "Gemm, constant on the left, transB",
    op: "Gemm",
    weight: [3, 4],
    x: [5, 4],
    input: 0,
    attributes: { transB: 1 },
    isLast: true,
  },
  {
    name: "Gemm, constant on the left, both",
    op: "Gemm",
    weight: [4, 3],
    x: [5, 4],
    input: 0,
    attributes: { transA: 1, transB: 1 },
    isLast: true,
  },
  {
    name: "FusedMatMul with transA",
    op: "FusedMatMul",
    weight: [4, 3],
    x: [2, 4, 5],
    input: 1,
    attributes: { transA: 1 },
    domain: "com.microsoft",
    isLast: false,
  },
  {
    name: "FusedMatMul, constant on the left, transB",
    op: "FusedMatMul",
    weight: [3, 4],
    x: [2, 5, 4],
    input: 0,
    attributes: { transB: 1 },
    domain: "com.microsoft",
    isLast: true,
  },
];

async function measure(
  one: ProductCase,
  opset: number,
  dims: readonly (number | string)[],
  options: InstrumentOptions = {},
) {
  const stream = random(3);
  const [x, w] = [stream.float32(size(one.x)), stream.float32(size(one.weight))];
  // The third operand of Gemm was not optional before version 11.
  const bias = one.op === "Gemm" && opset < 11 ? [tensor("bias", [1], new Float32Array(1))] : [];
  const operands = [...(one.input === 1 ? ["x", "W"] : ["W", "x"]), ...bias.map(({ name }) => name)];
  const model: ModelParts = {
    opset,
    opsetImports: [{ domain: "com.microsoft", version: 1 }],
    nodes: [
      node(one.op, operands, ["y"], one.attributes ?? {}, {
        domain: one.domain ?? "",
      }),
    ],
    initializers: [tensor("W", one.weight, w), ...bias],
    inputs: [valueInfo("x", "float32", dims)],
    outputs: [
      valueInfo(
        "y",
        "float32",
        Array.from({ length: Math.max(one.x.length, 2) - (one.x.length === 1 ? 1 : 0) }, (_, axis) => `y${axis}`),
      ),
    ],
  };
  const feeds = { x: float32(one.x, x) };
  return { ...(await measuredRun(model, feeds, options)), laidOut: await laidOutRun(model, feeds), x, w };
}

async function check(one: ProductCase, opset: number, dims: readonly (number | string)[]): Promise<void> {
  const { weights, laidOut, outputs, x, w } = await measure(one, opset, dims, { gram: true });
  const patches: Patches = one.x.length === 1 ? [[...x]] : matricesOf(x, one.x, !one.isLast).flat();
  expectMeasured(weights.get("W"), [patches]);
  expectLaidOut(laidOut.get("W"), [patches]);
  // The same features, multiplied with the weight, are what ONNX Runtime puts out.
  const inFirst = one.weight[0] === 4;
  const filters = rowsOf(w, one.weight[0]!, one.weight[1]!, inFirst);
  const y = patches.flatMap((patch) => filters.map((filter) => dot(filter, patch)));
  const turned = one.input === 0 && one.x.length > 1;
  const found = turned
    ? matricesOf(outputs.y!.data as Float32Array, outputs.y!.dims, true).flat(2)
    : [...(outputs.y!.data as Float32Array)];
  expectClose(
    found,
    y,
    y.map(() => 10),
  );
}

describe("instrument, MatMul and Gemm", () => {
  for (const one of CASES) {
    it(`${one.name}: fixed sizes`, () => check(one, 17, one.x));
    const opset = one.domain === undefined ? 9 : 11;
    it(`${one.name}: sizes known when it runs, opset ${opset}`, () =>
      check(
        one,
        opset,
        one.x.map((_, axis) => `d${axis}`),
      ));
  }

  it("measures MatMul and Gemm in opset 7", async () => {
    await check(CASES[2]!, 7, ["batch", "seq", 4]);
    await check(CASES[8]!, 7, ["features", "n"]);
  });

  it("gives the sum over no positions as zeros", async () => {
    for (const one of [CASES[2]!, CASES[11]!]) {
      const empty = { ...one, x: one.x.map((dim) => (dim === 4 ? 4 : 0)) };
      const { weights, laidOut } = await measure(
        empty,
        17,
        one.x.map((_, axis) => `d${axis}`),
        { gram: true },
      );
      expect(weights.get("W")).toEqual({ sums: [0, 0, 0, 0], count: 0, gram: Array(16).fill(0) });
      expect(laidOut.get("W")!.dims).toEqual([1, 0, 4]);
    }
  });
});

interface BatchCase {
  readonly name: string;
  readonly weight: readonly number[];
  readonly x: readonly number[];
  readonly input: 0 | 1;
}

const BATCHES: readonly BatchCase[] = [
  { name: "as many matrices as the other factor has", weight: [3, 4, 2], x: [3, 5, 4], input: 1 },
  { name: "a batch around them", weight: [3, 4, 2], x: [2, 3, 5, 4], input: 1 },
  { name: "one matrix for all: the same rows for each", weight: [3, 4, 2], x: [5, 4], input: 1 },
  { name: "a size of 1 in the other factor", weight: [3, 4, 2], x: [1, 5, 4], input: 1 },
  { name: "a size of 1 in the constant", weight: [3, 1, 4, 2], x: [3, 2, 5, 4], input: 1 },
  { name: "two batch sizes", weight: [2, 3, 4, 2], x: [2, 3, 5, 4], input: 1 },
  { name: "two batch sizes, each missing on one side", weight: [2, 1, 4, 2], x: [3, 5, 4], input: 1 },
  { name: "a list", weight: [3, 4, 2], x: [4], input: 1 },
  { name: "a constant on the left", weight: [3, 2, 4], x: [2, 3, 4, 5], input: 0 },
];

/** What each matrix sees, straight from the definition of broadcasting. */
function seenByMatrix({ weight, x, input }: BatchCase, data: Float32Array): Patches[] {
  const own = x.slice(0, -2);
  const batch = weight.slice(0, -2);
  const matrices = x.length === 1 ? [[[...data]]] : matricesOf(data, x, input === 0);
  return [...indices(batch)].map((matrix) =>
    [...indices(own)].flatMap((place, index) => {
      const sees = place.every((step, axis) => {
        const other = axis - own.length + batch.length;
        return other < 0 || batch[other] === 1 || own[axis] === 1 || matrix[other] === step;
      });
      return sees ? matrices[index]! : [];
    }),
  );
}

describe("instrument, batches of matrices", () => {
  for (const one of BATCHES) {
    it(`${one.name}: every matrix is a group`, async () => {
      const stream = random(5);
      const x = stream.float32(size(one.x));
      for (const dims of [one.x, one.x.map((_, axis) => `d${axis}`)]) {
        const { weights } = await measuredRun(
          {
            nodes: [node("MatMul", one.input === 1 ? ["x", "W"] : ["W", "x"], ["y"])],
            initializers: [tensor("W", one.weight, stream.float32(size(one.weight)))],
            inputs: [valueInfo("x", "float32", dims)],
            outputs: [
              valueInfo(
                "y",
                "float32",
                Array(Math.max(one.x.length, one.weight.length) - (one.x.length === 1 ? 1 : 0)).fill("y"),
              ),
            ],
          },
          { x: float32(one.x, x) },
        );
        expectMeasured(weights.get("W"), seenByMatrix(one, x));
      }
    });
  }
});
