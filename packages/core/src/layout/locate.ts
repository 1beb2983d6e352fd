import type { WeightView } from "../weight-view.js";
import { bufferStrides } from "./buffer-strides.js";

/** Where an entry stands in the matrix, and at which position of the kernel. */
export interface EntryLocation {
  readonly outChannel: number;
  readonly inFeature: number;
  /** Index of the position in the convolution's kernel, row-major; absent where the weight has no kernel axes. */
  readonly kernelPosition?: number;
}

/** The place of the entry at a buffer index. */
export function locate(view: WeightView, index: number): EntryLocation {
  const strides = bufferStrides(view.axes);
  const sums = { out: 0, in: 0, kernel: 0 };
  for (const [position, { role, size, step }] of view.axes.entries()) {
    sums[role] += (Math.floor(index / strides[position]!) % size) * step;
  }
  const location = { outChannel: sums.out, inFeature: sums.in + sums.kernel };
  return view.axes.some(({ role }) => role === "kernel") ? { ...location, kernelPosition: sums.kernel } : location;
}

/** A location as messages write it: `out channel 3, in-feature 38, kernel position 2`. */
export function describeLocation({ outChannel, inFeature, kernelPosition }: EntryLocation): string {
  const kernel = kernelPosition === undefined ? "" : `, kernel position ${kernelPosition}`;
  return `out channel ${outChannel}, in-feature ${inFeature}${kernel}`;
}
