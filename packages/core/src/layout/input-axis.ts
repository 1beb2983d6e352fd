import type { Axis, WeightView } from "../weight-view.js";

/** A buffer seen as `[outer, size, inner]`, input channels along the middle. */
export interface InputAxis {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

/**
 * The single run of the buffer that steps through the input channels in order, or the reason why there is none.
 * Adjacent `in` axes that continue each other count as one; axes of size 1 do not separate. A weight without an `in` axis
 * (depthwise) has one input channel.
 */
export function inputAxis(view: WeightView): InputAxis | string {
  const axes = view.axes.filter((axis) => axis.size > 1);
  const first = axes.findIndex((axis) => axis.role === "in");
  if (first < 0) return { outer: 1, size: 1, inner: sizeOf(axes) };
  const last = axes.findLastIndex((axis) => axis.role === "in");
  const pieces = axes.slice(first, last + 1);
  if (!pieces.every((axis) => axis.role === "in")) return "its input channels lie in separate axes of the buffer";
  if (!pieces.every((piece, i) => i === pieces.length - 1 || continues(piece, pieces[i + 1]!))) {
    return "its input channels are not in order in the buffer";
  }
  return { outer: sizeOf(axes.slice(0, first)), size: sizeOf(pieces), inner: sizeOf(axes.slice(last + 1)) };
}

function continues(outer: Axis, inner: Axis): boolean {
  return outer.step === inner.step * inner.size;
}

function sizeOf(axes: readonly Axis[]): number {
  return axes.reduce((product, axis) => product * axis.size, 1);
}
