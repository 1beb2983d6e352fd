/** Integers of symmetric int8: −127 … 127, so that the sign never changes the error. */
const LARGEST = 127;

/**
 * The scales of symmetric int8 quantisation, one per out channel: the largest absolute entry / 127, rounded to f32; 1 where
 * all entries are zero.
 *
 * @param matrix row-major `[rows, width]`, one column per out channel; zeros that were left out change nothing
 */
export function columnScales(matrix: Float32Array, width: number): Float32Array<ArrayBuffer> {
  const scales = new Float32Array(width);
  for (let index = 0; index < matrix.length; index++) {
    const out = index % width;
    const size = Math.abs(matrix[index]!);
    if (size > scales[out]!) scales[out] = size;
  }
  for (let out = 0; out < width; out++) scales[out] = scales[out] === 0 ? 1 : scales[out]! / LARGEST;
  return scales;
}

/**
 * `round(entry / scale)`, halves to even as ONNX's QuantizeLinear rounds; within −127 … 127.
 *
 * @param matrix row-major `[rows, width]`
 * @param scales as {@link columnScales} gives them
 */
export function quantizeColumns(matrix: Float32Array, scales: Float32Array): Int8Array<ArrayBuffer> {
  const integers = new Int8Array(matrix.length);
  for (let index = 0; index < matrix.length; index++) {
    const rounded = roundHalfEven(matrix[index]! / scales[index % scales.length]!);
    integers[index] = Math.max(-LARGEST, Math.min(LARGEST, rounded));
  }
  return integers;
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
