import type { WeightAxis } from "@espalier/onnx";

/** How per-channel scales line up with a tensor. */
export interface ScaleShape {
  /** Shape of the tensor when it is multiplied: its own, or the sizes of its axes where a dimension has to be cut. */
  readonly tensor: readonly number[];
  /** Shape of the scales, which broadcasts to `tensor`. */
  readonly scales: readonly number[];
  /** The one dimension of `tensor` that has scales; absent when there are several, as there are none. */
  readonly axis?: number;
}

/**
 * Lines up scales of the out channels with a tensor.
 *
 * @param shape of the tensor
 * @param axes factors of its buffer, whose `out` axes in this order are the shape of the scales; each is one dimension,
 *   several whole ones, or a part of one
 */
export function scaleShape(shape: readonly number[], axes: readonly WeightAxis[]): ScaleShape {
  const whole = dimensionRoles(shape, axes);
  const tensor = whole === undefined ? axes.map(({ size }) => size) : shape;
  const isOut = whole ?? axes.map(({ role }) => role === "out");
  const scales = tensor.map((length, index) => (isOut[index] ? length : 1));
  const long = scales.flatMap((length, index) => (length > 1 ? [index] : []));
  return { tensor, scales, ...(long.length === 1 && { axis: long[0]! }) };
}

/** For every dimension whether it is one of out channels; undefined when one belongs to several axes. */
function dimensionRoles(shape: readonly number[], axes: readonly WeightAxis[]): readonly boolean[] | undefined {
  const roles: boolean[] = [];
  let dimension = 0;
  for (const { size, role } of axes) {
    let covered = 1;
    while (covered < size) {
      covered *= shape[dimension++] ?? Number.POSITIVE_INFINITY;
      roles.push(role === "out");
    }
    if (covered !== size) return undefined;
  }
  return [...roles, ...shape.slice(dimension).map(() => false)];
}
