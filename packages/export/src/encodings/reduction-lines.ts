import type { WeightAxis } from "@espalier/onnx";

/** A row-major buffer as `[outer, length, inner]`, where the axis in the middle steps through input channels. */
export interface ReductionLines {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/**
 * The lines along which groups of N:M patterns lie: the last factors of a buffer that step through input channels, as one
 * axis. `length` is 1 where there are none.
 *
 * @param axes outermost first
 */
export function reductionLines(axes: readonly WeightAxis[]): ReductionLines {
  const isInput = axes.map(({ role }) => role === "in");
  const end = isInput.lastIndexOf(true) + 1;
  const start = isInput.slice(0, end).lastIndexOf(false) + 1;
  const sizeOf = (from: number, to?: number) => axes.slice(from, to).reduce((product, { size }) => product * size, 1);
  return { outer: sizeOf(0, start), length: sizeOf(start, end), inner: sizeOf(end) };
}
