import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { Measurement, Measuring } from "./measuring.js";
import { gemm, reduceSum } from "./operators-by-version.js";
import { type Dim, product, type Shape } from "./shapes/dim.js";
import { tokenMask } from "./token-mask.js";
import { Unmeasurable } from "./unmeasurable.js";

/** Inputs as a matrix: one row for each position. */
export interface Rows {
  /** float32 `[positions, features]`. */
  readonly value: string;
  /** What the positions run over; undefined where that is not known. */
  readonly positions: Dim | undefined;
  /** bool `[positions, 1]`: rows that count. Absent = all. */
  readonly keep?: string;
}

/** A value whose last axis holds the features, as rows. */
export function featuresLast({ graph }: Measuring, value: string, shape: Shape | undefined, features: number): Rows {
  return {
    value: graph.op("Reshape", [value, graph.integers([-1, features])]),
    positions: shape && product(...shape.slice(0, -1)),
  };
}

/**
 * A value whose last axis but one holds the features, as rows. A list is one row of features.
 *
 * @throws {Unmeasurable} when the rank is not known
 */
export function featuresBeforeLast(
  measuring: Measuring,
  value: string,
  shape: Shape | undefined,
  features: number,
): Rows {
  if (shape === undefined) throw new Unmeasurable("the rank of what it is multiplied with is not known beforehand");
  if (shape.length < 2) return featuresLast(measuring, value, shape, features);
  const batch = [...shape.keys()].slice(0, -2);
  const perm = [...batch, shape.length - 1, shape.length - 2];
  const turned = measuring.graph.op("Transpose", [value], { perm: perm.map(BigInt) });
  return featuresLast(
    measuring,
    turned,
    perm.map((axis) => shape[axis]!),
    features,
  );
}

/** Sums over all rows that count. @throws {Unmeasurable} when a mask is asked for and it is not known which rows are tokens */
export function measureRows(measuring: Measuring, rows: Rows): Measurement {
  const { graph, sizes } = measuring;
  const keep = bothOf(measuring, rows.keep, tokenMask(measuring, rows.positions));
  if (keep === undefined) {
    return { sums: sumsOf(measuring, rows.value), count: sizes.of(rows.positions, rows.value, 0) };
  }
  // Reshaped to the number of rows: a mask that does not fit stops the run, where broadcasting could hide it.
  const length = graph.op("Gather", [graph.op("Shape", [rows.value]), graph.integers([0])], { axis: 0n });
  const fitting = graph.op("Reshape", [keep, graph.op("Concat", [length, graph.integers([1])], { axis: 0n })]);
  // Selected, not multiplied: what stands at a position that does not count may be NaN.
  const counted = graph.op("Where", [fitting, rows.value, graph.floats(Float32Array.of(0))]);
  const ones = graph.op("Cast", [keep], { to: BigInt(DataType.INT64) });
  return { sums: sumsOf(measuring, counted), count: reduceSum(graph, ones, [0, 1]) };
}

function sumsOf({ graph, gram }: Measuring, rows: string): string {
  return gram ? gemm(graph, rows, rows, "transA") : reduceSum(graph, graph.op("Mul", [rows, rows]), [0]);
}

function bothOf({ graph }: Measuring, a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return graph.op("And", [a, b]);
}
