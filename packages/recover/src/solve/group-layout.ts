import type { Axis } from "@espalier/core";
import { RecoverError } from "../recover-error.js";

/** A weight's geometry; {@link LayerTask} has it. */
export interface Geometry {
  readonly weight: string;
  readonly outChannels: number;
  readonly inFeatures: number;
  readonly groups: number;
  readonly axes: readonly Axis[];
}

/** Where the entries of each group's matrix `[outChannels / groups, inFeatures]` lie in the weight's buffer. */
export interface GroupLayout {
  readonly groups: number;
  /** Rows of a group's matrix. */
  readonly outputs: number;
  /** Columns of a group's matrix. */
  readonly features: number;
  /** Buffer offset of each out channel of the weight. */
  readonly outOffsets: Uint32Array;
  /** Buffer offset of each in-feature. */
  readonly featureOffsets: Uint32Array;
}

/**
 * The layout that a weight's axes say.
 *
 * @throws {RecoverError} `shape-mismatch` when the axes do not hold every entry of the matrix exactly once
 */
export function groupLayout({ weight, outChannels, inFeatures, groups, axes }: Geometry): GroupLayout {
  const outOffsets = offsetsOf(axes, (role) => role === "out", outChannels);
  const featureOffsets = offsetsOf(axes, (role) => role !== "out", inFeatures);
  if (outOffsets === undefined || featureOffsets === undefined || outChannels % groups !== 0) {
    const message = `weight "${weight}": its axes do not fill the matrix ${outChannels} × ${inFeatures} in ${groups} groups; the view is wrong`;
    throw new RecoverError("shape-mismatch", message, { weight });
  }
  return { groups, outputs: outChannels / groups, features: inFeatures, outOffsets, featureOffsets };
}

/** Offset in the buffer of every index along one side of the matrix; undefined where some are missing or double. */
function offsetsOf(
  axes: readonly Axis[],
  belongs: (role: Axis["role"]) => boolean,
  length: number,
): Uint32Array | undefined {
  const found = new Map([[0, 0]]);
  let stride = axes.reduce((product, { size }) => product * size, 1);
  let count = 1;
  for (const { role, size, step } of axes) {
    stride /= size;
    if (!belongs(role)) continue;
    count *= size;
    if (count > length) return undefined;
    for (const [index, offset] of [...found]) {
      for (let i = 1; i < size; i++) found.set(index + i * step, offset + i * stride);
    }
  }
  const isWhole = count === length && found.size === length && [...found.keys()].every((index) => index < length);
  return isWhole ? Uint32Array.from({ length }, (_, index) => found.get(index)!) : undefined;
}

/** A group's matrix as f64, row-major `[outputs, features]`. */
export function readGroup(
  { outputs, features, outOffsets, featureOffsets }: GroupLayout,
  group: number,
  buffer: ArrayLike<number>,
): Float64Array {
  const matrix = new Float64Array(outputs * features);
  for (let row = 0; row < outputs; row++) {
    const offset = outOffsets[group * outputs + row]!;
    for (let column = 0; column < features; column++) {
      matrix[row * features + column] = buffer[offset + featureOffsets[column]!]!;
    }
  }
  return matrix;
}

/** Calls back with the buffer index of every entry of a group's matrix, and its index in the matrix, row by row. */
export function forEachEntryOfGroup(
  { outputs, features, outOffsets, featureOffsets }: GroupLayout,
  group: number,
  visit: (bufferIndex: number, matrixIndex: number) => void,
): void {
  for (let row = 0; row < outputs; row++) {
    const offset = outOffsets[group * outputs + row]!;
    for (let column = 0; column < features; column++) visit(offset + featureOffsets[column]!, row * features + column);
  }
}

/** The kernel positions of a weight: in-features that one input channel has. */
export function kernelSize(axes: readonly Axis[]): number {
  return axes.reduce((size, axis) => (axis.role === "kernel" ? size * axis.size : size), 1);
}
