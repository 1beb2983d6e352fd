import { canonicalAxes, type MatrixLayout, type WeightAxis } from "./matrix-layout.js";

/** Positions of a buffer that lie `stride` entries apart. */
export interface Stretch {
  readonly size: number;
  readonly stride: number;
}

/**
 * A tensor whose entries are those of a buffer, in this order or another: for every dimension the stretches of the buffer
 * it runs through, outermost first. The product of a dimension's sizes is its length; a dimension of 1 has none.
 */
export type BufferOrder = readonly (readonly Stretch[])[];

/** The order of a tensor that lies row-major in its buffer. */
export function rowMajor(shape: readonly number[]): BufferOrder {
  let stride = 1;
  const order: Stretch[][] = [];
  for (const size of [...shape].reverse()) {
    order.push(size === 1 ? [] : [{ size, stride }]);
    stride *= size;
  }
  return order.reverse();
}

/** The shape of a tensor in this order. */
export function shapeOf(order: BufferOrder): number[] {
  return order.map((dimension) => entryCount(dimension.map(({ size }) => size)));
}

/** Number of entries of a tensor: the product of its sizes, 1 for a scalar. */
export function entryCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * The same entries in the same sequence, cut into other dimensions.
 *
 * @returns undefined when the new dimensions cut through entries that do not lie evenly in the buffer, which only happens
 * after a transposition
 */
export function reshape(order: BufferOrder, shape: readonly number[]): BufferOrder | undefined {
  const rest = mergeContiguous(order.flat());
  const result: Stretch[][] = [];
  for (const size of [...shape].reverse()) {
    const dimension = takeInnermost(rest, size);
    if (dimension === undefined) return undefined;
    result.push(dimension);
  }
  return rest.length === 0 ? result.reverse() : undefined;
}

function mergeContiguous(stretches: readonly Stretch[]): Stretch[] {
  const merged: Stretch[] = [];
  for (const stretch of stretches) {
    const outer = merged.at(-1);
    if (outer?.stride === stretch.stride * stretch.size) {
      merged[merged.length - 1] = { size: outer.size * stretch.size, stride: stretch.stride };
    } else {
      merged.push(stretch);
    }
  }
  return merged;
}

/** Takes `size` entries off the inner end of `rest`, cutting a stretch in two where it must. */
function takeInnermost(rest: Stretch[], size: number): Stretch[] | undefined {
  const taken: Stretch[] = [];
  let missing = size;
  while (missing > 1) {
    const inner = rest.pop();
    if (inner === undefined) return undefined;
    const part = Math.min(inner.size, missing);
    if (inner.size % part !== 0 || missing % part !== 0) return undefined;
    if (inner.size > part) rest.push({ size: inner.size / part, stride: inner.stride * part });
    taken.push({ size: part, stride: inner.stride });
    missing /= part;
  }
  return taken.reverse();
}

/**
 * What an operator says about a tensor, said about the buffer behind it: both factorisations are cut at each other's
 * boundaries, and the pieces put into the order in which they lie in the buffer.
 *
 * @param layout of the tensor as the operator sees it, row-major
 * @param order of that tensor's entries in the buffer
 * @returns the layout over the buffer in canonical form, or undefined when a boundary of one cuts unevenly through the other
 */
export function layoutOverBuffer(layout: MatrixLayout, order: BufferOrder): MatrixLayout | undefined {
  const rest = mergeContiguous(order.flat());
  // Most weights lie as their operator reads them: nothing to cut.
  if (rest.length <= 1) return inPlace(layout, rest[0]?.size ?? 1);
  const pieces: (WeightAxis & Stretch)[] = [];
  for (const axis of [...layout.axes].reverse()) {
    const stretches = takeInnermost(rest, axis.size);
    if (stretches === undefined) return undefined;
    let { step } = axis;
    for (const stretch of stretches.reverse()) {
      pieces.push({ ...stretch, role: axis.role, step });
      step *= stretch.size;
    }
  }
  if (rest.length > 0) return undefined;
  pieces.sort((a, b) => b.stride - a.stride);
  return { ...layout, axes: canonicalAxes(pieces.map(({ size, role, step }) => ({ size, role, step }))) };
}

function inPlace(layout: MatrixLayout, count: number): MatrixLayout | undefined {
  const covered = entryCount(layout.axes.map(({ size }) => size));
  return covered === count ? { ...layout, axes: canonicalAxes(layout.axes) } : undefined;
}
