import type { WeightAxis } from "@espalier/onnx";
import { elementsAt } from "./elements.js";
import type { ElementSize } from "./encoding.js";

/** How the axes of a buffer are reordered, so that each run of input channels lies together. */
export interface AxisOrder {
  /** Sizes of the axes in the buffer's order. */
  readonly sizes: readonly number[];
  /** Which axis of the buffer each axis of the new order is. */
  readonly order: readonly number[];
  /** Whether nothing moves. */
  readonly isSame: boolean;
  /** Length of a run of input channels. */
  readonly run: number;
}

/** Output channels, then kernel positions, then input channels: the order in which N:M patterns form their groups. */
export function reductionLast(axes: readonly WeightAxis[]): AxisOrder {
  const having = (role: WeightAxis["role"]) => axes.flatMap((axis, index) => (axis.role === role ? [index] : []));
  const order = [...having("out"), ...having("kernel"), ...having("in")];
  const run = axes.reduce((product, { role, size }) => (role === "in" ? product * size : product), 1);
  return { sizes: axes.map(({ size }) => size), order, isSame: order.every((axis, index) => axis === index), run };
}

/** The elements in the new order. */
export function permuted(
  bytes: Uint8Array<ArrayBuffer>,
  size: ElementSize,
  { sizes, order, isSame }: AxisOrder,
): Uint8Array<ArrayBuffer> {
  if (isSame) return bytes;
  const from = permutedIndices(sizes, order);
  return elementsAt(bytes, size, from);
}

/** The order that undoes an order. */
export function inverse(order: readonly number[]): readonly number[] {
  return order.map((_, axis) => order.indexOf(axis));
}

/** For every place of the new order the index in the buffer. */
function permutedIndices(sizes: readonly number[], order: readonly number[]): Uint32Array {
  let indices = Uint32Array.of(0);
  for (const axis of order) {
    const stride = sizes.slice(axis + 1).reduce((product, length) => product * length, 1);
    const size = sizes[axis]!;
    const next = new Uint32Array(indices.length * size);
    for (let outer = 0, at = 0; outer < indices.length; outer++) {
      for (let step = 0, index = indices[outer]!; step < size; step++, index += stride) next[at++] = index;
    }
    indices = next;
  }
  return indices;
}
