import type { WeightView } from "../weight-view.js";

/** Number of entries in a weight's buffer: the product of its axes. */
export function entryCount(view: WeightView): number {
  return view.axes.reduce((entries, axis) => entries * axis.size, 1);
}
