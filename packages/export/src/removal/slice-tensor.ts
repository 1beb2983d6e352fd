/**
 * The entries of a row-major tensor at some indices of one or several of its dimensions, as f32.
 *
 * @param dims shape of `values`
 * @param axes dimensions that lose all other indices, one after the other
 * @param keep indices along each of them, ascending
 */
export function sliceAxes(
  values: Float32Array | Float64Array,
  dims: readonly number[],
  axes: readonly number[],
  keep: readonly number[],
): Float32Array<ArrayBuffer> {
  let sliced = Float32Array.from(values);
  let shape = [...dims];
  for (const axis of axes) {
    sliced = sliceAxis(sliced, shape, axis, keep);
    shape = shape.with(axis, keep.length);
  }
  return sliced;
}

function sliceAxis(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
  keep: readonly number[],
): Float32Array<ArrayBuffer> {
  const size = dims[axis]!;
  const inner = dims.slice(axis + 1).reduce((product, length) => product * length, 1);
  const outer = values.length / (size * inner);
  const sliced = new Float32Array(outer * keep.length * inner);
  let at = 0;
  for (let block = 0; block < outer; block++) {
    for (const index of keep) {
      const start = (block * size + index) * inner;
      sliced.set(values.subarray(start, start + inner), at);
      at += inner;
    }
  }
  return sliced;
}
