import { TensorProto_DataType as DataType, makeValueInfo, type TensorProto, type ValueInfoProto } from "@espalier/onnx";
import type { Sample, Tensor } from "@espalier/runtime";
import { type GraphParts, graph, type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import type { InstrumentOptions } from "../src/instrument/index.js";
import { float32, type MeasuredRun, measuredRun } from "./measured-run.js";
import type { Patches } from "./patches.js";

/** Sizes of all matrices here: `[WIDTH, WIDTH]`. */
export const WIDTH = 3;

/** The entries of {@link square}. */
export const valuesOf = (seed: number): Float32Array => random(seed).float32(WIDTH * WIDTH);

/** A constant matrix. */
export const square = (name: string, seed = 1): TensorProto => tensor(name, [WIDTH, WIDTH], valuesOf(seed));

/** A scalar bool. */
export const flag = (value: boolean): Tensor => ({ dtype: "bool", dims: [], data: Uint8Array.of(value ? 1 : 0) });

/** A scalar int64. */
export const steps = (value: number): Tensor => ({ dtype: "int64", dims: [], data: BigInt64Array.of(BigInt(value)) });

/** A float32 output of any rank. */
export const output = (name: string): ValueInfoProto => makeValueInfo(name, DataType.FLOAT);

/** Two rows, and the feed that holds them. */
export const X = random(3).float32(2 * WIDTH);
export const x = (): Tensor => float32([2, WIDTH], X);
export const ROWS = rowsOf(X);

/** What is measured where nothing is seen. */
export const ZEROS = { sums: [0, 0, 0], count: 0, gram: Array(9).fill(0) };

/** Rows of WIDTH numbers. */
export function rowsOf(data: ArrayLike<number>): number[][] {
  return Array.from({ length: data.length / WIDTH }, (_, row) =>
    Array.from({ length: WIDTH }, (_, feature) => data[row * WIDTH + feature]!),
  );
}

/** Rows times a matrix `[WIDTH, WIDTH]`, as float32. */
export function times(rows: Patches, matrix: ArrayLike<number>): number[][] {
  return rows.map((row) =>
    Array.from({ length: WIDTH }, (_, column) =>
      Math.fround(row.reduce((sum, value, k) => sum + value * matrix[k * WIDTH + column]!, 0)),
    ),
  );
}

/** A model of one input `x`, `[batch, WIDTH]`, unless it says otherwise. */
export function model(parts: GraphParts, more: Partial<ModelParts> = {}): ModelParts {
  return { inputs: [valueInfo("x", "float32", ["batch", WIDTH])], ...parts, ...more };
}

/** A branch that multiplies `from` with a matrix. */
export const product = (from: string, weight: string, to: string, initializers: readonly TensorProto[] = []) =>
  graph({ nodes: [node("MatMul", [from, weight], [to])], initializers, outputs: [output(to)] });

/** One run that measures everything. */
export function run(parts: ModelParts, feeds: Sample, options: InstrumentOptions = {}): Promise<MeasuredRun> {
  return measuredRun(parts, feeds, { gram: true, ...options });
}
