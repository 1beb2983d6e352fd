import type { Axis } from "../weight-view.js";

/** What one step along each axis adds to the buffer index: row-major, the last axis is contiguous. */
export function bufferStrides(axes: readonly Axis[]): number[] {
  const strides = new Array<number>(axes.length);
  let stride = 1;
  for (let position = axes.length - 1; position >= 0; position--) {
    strides[position] = stride;
    stride *= axes[position]!.size;
  }
  return strides;
}
