import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { GraphAdditions } from "./graph-additions.js";
import type { LaidOut } from "./lay-out.js";
import type { Measurement, Measuring } from "./measuring.js";
import { reduceSum } from "./operators-by-version.js";
import { type Dim, product, type Shape } from "./shapes/dim.js";
import { tokenMask } from "./token-mask.js";
import { Unmeasurable } from "./unmeasurable.js";

/** Inputs as a matrix: one row for each position. */
export interface Rows {
  /** float32, features on the last axis. */
  readonly value: string;
  /** Undefined where it is not known. */
  readonly rank: number | undefined;
  readonly features: number;
  /** What the positions run over; undefined where that is not known. */
  readonly positions: Dim | undefined;
  /** bool `[positions, 1]`: rows that count. Absent = all. */
  readonly keep?: string;
}

/** The other factor of a product with a weight. */
export interface Factor {
  /** float32. */
  readonly value: string;
  readonly shape: Shape | undefined;
  /** Whether its last axis holds the features, rather than the last but one. */
  readonly isLast: boolean;
}

/**
 * The other factor as rows. A list is one row of features.
 *
 * @throws {Unmeasurable} when its rank matters and is not known
 */
export function rowsOf({ graph }: Measuring, { value, shape, isLast }: Factor, features: number): Rows {
  if (isLast || shape?.length === 1) {
    return { value, rank: shape?.length, features, positions: shape && product(...shape.slice(0, -1)) };
  }
  if (shape === undefined) throw new Unmeasurable("the rank of what it is multiplied with is not known beforehand");
  const batch = [...shape.keys()].slice(0, -2);
  const perm = [...batch, shape.length - 1, shape.length - 2];
  const turned = graph.op("Transpose", [value], { perm: perm.map(BigInt) });
  return { value: turned, rank: shape.length, features, positions: product(...shape.slice(0, -2), shape.at(-1)!) };
}

/**
 * Sums of squares over all rows that count.
 *
 * @throws {Unmeasurable} when a mask is asked for and it is not known which rows are tokens
 */
export function measureRows(measuring: Measuring, rows: Rows): Measurement {
  const { graph, sizes } = measuring;
  const { flat, keep } = counted(measuring, rows);
  if (keep === undefined)
    return { sums: sumOfSquares(measuring, rows, flat), count: sizes.of(rows.positions, flat, 0) };
  // Selected, not multiplied: what stands at a position that does not count may be NaN.
  const selected = graph.op("Where", [fitting(graph, keep, flat, [1]), flat, graph.floats(Float32Array.of(0))]);
  const shaped = graph.op("Reshape", [selected, graph.op("Shape", [rows.value])]);
  return { sums: sumOfSquares(measuring, { ...rows, value: shaped }, selected), count: trueBits(graph, keep) };
}

/**
 * The rows that count.
 *
 * @throws {Unmeasurable} when a mask is asked for and it is not known which rows are tokens
 */
export function layOutRows(measuring: Measuring, rows: Rows): LaidOut {
  const { graph } = measuring;
  const { flat, keep } = counted(measuring, rows);
  if (keep === undefined) return { kind: "rows", value: flat };
  return { kind: "rows", value: graph.op("Compress", [flat, fitting(graph, keep, flat, [])], { axis: 0n }) };
}

/** All rows as float32 `[positions, features]`, and which of them count, bool `[positions, 1]`; undefined = all. */
function counted(measuring: Measuring, rows: Rows): { readonly flat: string; readonly keep: string | undefined } {
  const flat = measuring.graph.op("Reshape", [rows.value, measuring.graph.integers([-1, rows.features])]);
  return { flat, keep: bothOf(measuring, rows.keep, tokenMask(measuring, rows.positions)) };
}

/**
 * Sums in two steps, first along the last axis before the features: float32 sums over thousands of rows in one go are off by
 * more than 1e-5 where a feature hardly changes, because every addition rounds to the same side.
 */
function sumOfSquares({ graph }: Measuring, { value, rank, features }: Rows, flat: string): string {
  if (rank === undefined || rank < 3) return reduceSum(graph, graph.op("Mul", [flat, flat]), [0]);
  const first = reduceSum(graph, graph.op("Mul", [value, value]), [rank - 2]);
  const rest = rank === 3 ? first : graph.op("Reshape", [first, graph.integers([-1, features])]);
  return reduceSum(graph, rest, [0]);
}

/** Reshaped to the number of rows: a mask that does not fit stops the run, where broadcasting could hide it. */
function fitting(graph: GraphAdditions, keep: string, flat: string, rest: readonly number[]): string {
  const length = graph.op("Gather", [graph.op("Shape", [flat]), graph.integers([0])], { axis: 0n });
  const shape = rest.length === 0 ? length : graph.op("Concat", [length, graph.integers(rest)], { axis: 0n });
  return graph.op("Reshape", [keep, shape]);
}

function trueBits(graph: GraphAdditions, bits: string): string {
  return reduceSum(graph, graph.op("Cast", [bits], { to: BigInt(DataType.INT64) }), [0, 1]);
}

function bothOf({ graph }: Measuring, a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return graph.op("And", [a, b]);
}
