import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { Measuring } from "./measuring.js";
import { reduceSum } from "./operators-by-version.js";
import type { Reach } from "./reach.js";
import { computedTable, constantTable, type RunPadding, type TableLayout } from "./reach-table.js";
import { type Dim, sizeOf } from "./shapes/dim.js";
import type { Padding } from "./window.js";

/** Images or the like: `[batch, channels, …]` and as many spatial axes as the kernel has. */
export interface Images {
  readonly value: string;
  /** One for each axis. */
  readonly shape: readonly Dim[];
}

/** How a kernel meets the entries of one spatial axis. */
export interface SpatialAxis {
  readonly reach: Reach;
  /** Padding that the reach does not contain, because it depends on a size. */
  readonly runPadding?: RunPadding;
  /**
   * Present where every position of the kernel meets an unbroken run of this many entries of the padded axis, each `step`
   * behind the one before: then a pool sums them.
   */
  readonly runs?: { readonly length: number; readonly step: number; readonly padding: Padding };
  /** Whether the kernel has one position, which meets every entry. */
  readonly isWhole: boolean;
}

/** Most spatial axes that ONNX Runtime's pools take. */
const MOST_POOLED_AXES = 3;

/**
 * `S[c, k…] = Σ over the batch and the entries that position k of the kernel meets`: the positions of a kernel multiply, so
 * that axis after axis is reduced from its entries to the positions of the kernel.
 *
 * Where entries form runs, AveragePool does that: ONNX Runtime keeps the values of convolutions in a layout of its own
 * there, which a product with a table of zeros and ones would have to leave first.
 *
 * @returns float32 `[channels, kernel…]`, of any shape
 */
export function spatialSums(measuring: Measuring, images: Images, axes: readonly SpatialAxis[]): string {
  const { graph } = measuring;
  if (axes.every(({ isWhole }) => isWhole)) return wholeSums(measuring, images);
  const pooled = pooledAxes(measuring, images, axes);
  let { value } = pooled;
  for (const [axis, { isWhole, ...plan }] of [...axes.entries()].reverse()) {
    if (pooled.done.has(axis)) continue;
    if (isWhole) value = reduceSum(graph, value, [axis + 2], true);
    else {
      const behind = axes.slice(axis + 1).map(({ reach }) => reach.first.length);
      value = productWithTable(measuring, { ...images, value }, plan, axis, behind);
    }
  }
  return scaled(measuring, reduceSum(graph, value, [0]), graph.floats(Float32Array.of(pooled.scale)), pooled.scale);
}

/** Everything counts once: the mean times the number of entries. */
function wholeSums(measuring: Measuring, { value, shape }: Images): string {
  const { graph, sizes } = measuring;
  const spatial = shape.slice(2).map((dim, axis) => sizes.of(dim, value, axis + 2));
  const count = graph.op("Cast", [spatial.reduce((a, b) => sizes.times(a, b))], { to: BigInt(DataType.FLOAT) });
  return scaled(measuring, reduceSum(graph, graph.op("GlobalAveragePool", [value]), [0]), count);
}

function pooledAxes({ graph }: Measuring, { value }: Images, axes: readonly SpatialAxis[]) {
  const done = new Set<number>();
  let pooled = value;
  let scale = 1;
  if (axes.length > MOST_POOLED_AXES) return { value, scale, done };
  for (const [axis, { runs }] of [...axes.entries()].reverse()) {
    // ONNX Runtime wants padding to be smaller than the kernel of a pool.
    if (runs === undefined || runs.length <= Math.max(runs.padding.begin, runs.padding.end)) continue;
    const along = (size: number, others: bigint) => axes.map((_, index) => (index === axis ? BigInt(size) : others));
    pooled = graph.op("AveragePool", [pooled], {
      kernel_shape: along(runs.length, 1n),
      strides: along(runs.step, 1n),
      pads: [...along(runs.padding.begin, 0n), ...along(runs.padding.end, 0n)],
      count_include_pad: 1n,
    });
    scale *= runs.length;
    done.add(axis);
  }
  return { value: pooled, scale, done };
}

/**
 * Replaces the entries of one axis by the positions of the kernel.
 *
 * @param behind positions of the kernel on the axes behind it, which become one axis
 */
function productWithTable(
  measuring: Measuring,
  { value, shape }: Images,
  { reach, runPadding }: Pick<SpatialAxis, "reach" | "runPadding">,
  axis: number,
  behind: readonly number[],
): string {
  const { graph, sizes } = measuring;
  const dim = shape[axis + 2]!;
  const fixedSize = sizeOf(dim);
  const table = (layout: TableLayout): string =>
    fixedSize !== undefined && runPadding === undefined
      ? constantTable(graph, reach, fixedSize, layout)
      : computedTable(graph, reach, sizes.of(dim, value, axis + 2), layout, runPadding);
  if (behind.length === 0) return graph.op("MatMul", [value, table("size-first")]);
  const columns = behind.reduce((all, positions) => all * positions, 1);
  const flat = graph.op("Reshape", [value, graph.integers([...Array(axis + 3).fill(0), columns])]);
  return graph.op("MatMul", [table("kernel-first"), behind.length === 1 ? value : flat]);
}

function scaled({ graph }: Measuring, value: string, factor: string, size?: number): string {
  return size === 1 ? value : graph.op("Mul", [value, factor]);
}
