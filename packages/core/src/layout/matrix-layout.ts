import { CoreError } from "../errors.js";
import type { Axis, WeightView } from "../weight-view.js";
import { bufferStrides } from "./buffer-strides.js";
import { entryCount } from "./entry-count.js";

/**
 * Where the entries of the matrix `[outChannels, inFeatures]` lie in the buffer: entry `[o, f]` at
 * `outOffsets[o] + featureOffsets[f]`. Because every axis belongs to one side of the matrix, two short tables say it all.
 */
export interface MatrixLayout {
  /** Buffer offset of each out channel, length `outChannels`. */
  readonly outOffsets: Uint32Array;
  /** Buffer offset of each in-feature, length `inFeatures`. */
  readonly featureOffsets: Uint32Array;
}

/**
 * The layout of a weight.
 *
 * @throws {CoreError} `shape-mismatch` when the axes do not hold every entry of the matrix exactly once
 */
export function matrixLayout(view: WeightView): MatrixLayout {
  const outOffsets = offsetsOf(view, (axis) => axis.role === "out", view.outChannels);
  const featureOffsets = offsetsOf(view, (axis) => axis.role !== "out", view.inFeatures);
  if (!outOffsets || !featureOffsets) throw mismatch(view);
  return { outOffsets, featureOffsets };
}

function offsetsOf(view: WeightView, belongs: (axis: Axis) => boolean, length: number): Uint32Array | undefined {
  const strides = bufferStrides(view.axes);
  let steps = [{ index: 0, offset: 0 }];
  for (const [position, axis] of view.axes.entries()) {
    if (!belongs(axis)) continue;
    if (steps.length * axis.size > length) return undefined;
    steps = steps.flatMap(({ index, offset }) =>
      Array.from({ length: axis.size }, (_, i) => ({
        index: index + i * axis.step,
        offset: offset + i * strides[position]!,
      })),
    );
  }
  const indices = new Set(steps.map(({ index }) => index));
  if (indices.size !== length || steps.some(({ index }) => !(index >= 0 && index < length))) return undefined;
  const offsets = new Uint32Array(length);
  for (const { index, offset } of steps) offsets[index] = offset;
  return offsets;
}

function mismatch(view: WeightView): CoreError {
  const axes = view.axes.map(({ role, size, step }) => `${role} ${size} step ${step}`).join(", ");
  return new CoreError(
    "shape-mismatch",
    `weight "${view.name}": its ${entryCount(view)} entries along the axes (${axes}) do not fill the matrix ` +
      `${view.outChannels} × ${view.inFeatures} once each; the view is wrong`,
    { weight: view.name },
  );
}
