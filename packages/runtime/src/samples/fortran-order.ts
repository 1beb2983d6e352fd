import type { NumericArray } from "../dtype-arrays.js";
import type { TensorData } from "../tensor.js";

/**
 * The same array with the last axis fastest instead of the first.
 *
 * @param data column-major elements of `dims`
 * @returns row-major elements, a new array
 */
export function fortranToC(data: TensorData[keyof TensorData], dims: readonly number[]): TensorData[keyof TensorData] {
  const sources = sourceIndices(dims, data.length);
  if (Array.isArray(data)) return Array.from(sources, (source) => data[source] as string);
  const from = data as Float64Array;
  const to = from.slice() as NumericArray as Float64Array;
  let at = 0;
  for (const source of sources) to[at++] = from[source]!;
  return to;
}

/** Index into the column-major buffer of every element, in row-major order. */
function* sourceIndices(dims: readonly number[], count: number): Generator<number> {
  const strides: number[] = [];
  dims.reduce((stride, dim, axis) => {
    strides[axis] = stride;
    return stride * dim;
  }, 1);
  const index = dims.map(() => 0);
  let source = 0;
  for (let i = 0; i < count; i++) {
    yield source;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      source -= strides[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
}
