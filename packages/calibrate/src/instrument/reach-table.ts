import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { GraphAdditions } from "./graph-additions.js";
import { counting } from "./operators-by-version.js";
import { type Reach, reachTable } from "./reach.js";

/** Which axis of a table comes first: the positions of the kernel, or the entries of the axis that it moves along. */
export type TableLayout = "kernel-first" | "size-first";

/** Padding that is known only when the model runs: int64 `[1]` each, to be added to a reach without padding. */
export interface RunPadding {
  readonly begin: string;
  readonly end: string;
}

/** A constant table of {@link reachTable}. */
export function constantTable(graph: GraphAdditions, reach: Reach, size: number, layout: TableLayout): string {
  const kernel = reach.first.length;
  const table = reachTable(reach, size);
  if (layout === "kernel-first") return graph.floats(table, [kernel, size]);
  const turned = table.map((_, index) => table[(index % kernel) * size + Math.floor(index / kernel)]!);
  return graph.floats(turned, [size, kernel]);
}

/**
 * The same table computed in the graph, for an axis whose size is known only when the model runs: entries are numbered and
 * compared, in whole numbers, with operators that exist since version 9 (Range and Mod came later).
 *
 * @param size int64 `[1]`
 * @throws {Unmeasurable} before version 9
 */
export function computedTable(
  graph: GraphAdditions,
  { first, beyond, stride }: Reach,
  size: string,
  layout: TableLayout,
  padding?: RunPadding,
): string {
  const row = layout === "kernel-first";
  const perPosition = (values: readonly number[]) =>
    graph.integers(values, row ? [values.length, 1] : [1, values.length]);
  const numbers = counting(graph, size);
  const entries = row ? numbers : graph.op("Transpose", [numbers], { perm: [1n, 0n] });
  const shifted = padding ? graph.op("Add", [entries, padding.begin]) : entries;
  const limit = graph.op("Add", [padding ? graph.op("Add", [size, padding.end]) : size, perPosition(beyond)]);
  const above = graph.op("Greater", [shifted, perPosition(first.map((from) => from - 1))]);
  const inside = graph.op("And", [above, graph.op("Less", [entries, limit])]);
  const met = stride === 1 ? inside : graph.op("And", [inside, isMultiple(graph, shifted, perPosition(first), stride)]);
  return graph.op("Cast", [met], { to: BigInt(DataType.FLOAT) });
}

/** Whether `value − from` is a multiple; Div cuts towards 0, which leaves multiples as they are. */
function isMultiple(graph: GraphAdditions, value: string, from: string, stride: number): string {
  const distance = graph.op("Sub", [value, from]);
  const step = graph.integers([stride]);
  return graph.op("Equal", [graph.op("Mul", [graph.op("Div", [distance, step]), step]), distance]);
}
