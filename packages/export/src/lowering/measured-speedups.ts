import type { BlockLayer, LoweredForm } from "./layer.js";

/** What one form was measured to gain over the dense f32 operator. */
export interface MeasuredSpeedup extends Pick<BlockLayer, "op" | "target" | "values"> {
  readonly form: LoweredForm;
  /** It holds for kernels of at least so many positions, … */
  readonly positions: number;
  /** … units of at least so many inputs, … */
  readonly unit: number;
  /** … products of at least so many outputs, … */
  readonly width: number;
  /** … and at most this fraction of entries left. */
  readonly density: number;
  /** Time of dense f32 / time of this form, at 1, 16 and 128 rows; of a convolution the first counts. */
  readonly speedup: readonly [one: number, some: number, many: number];
}

/** The weight of the measurements. */
export const MEASURED_SIZE = { inFeatures: 768, outChannels: 3072 } as const;

type Row = readonly [width: number, density: number, one: number, some: number, many: number];

/**
 * Measured on 768 × 3072 weights with blocks of 32 inputs (convolutions: three of 64 to 256 channels with Relu in
 * a row), one thread,
 * onnxruntime-node and onnxruntime-web 1.30, x64 with AVX512; the lower of two machines. Why the numbers are what they are:
 *
 * - `multi` reads every input once per block-column and starts three operators for it, some 6 µs: wide columns (256 and
 *   more) amortise it, 64 do so only where there is a lot to save. With one row the start is most of the time.
 * - `bmm` starts five operators in all, but moves its input and output once more than `multi`: best with few rows and with
 *   narrow blocks. With 16 rows and more its matrices are too small for the f32 kernel of onnxruntime-node.
 * - Gathering costs per piece, so pieces of fewer than 16 inputs need wide columns.
 * - A 1 × 1 convolution of onnxruntime-node takes about as long as gathering its input.
 * - int8 gathers a quarter of the bytes, so it also gains where f32 does not. On onnxruntime-web its kernel is slow for one
 *   row.
 */
export const MEASURED_SPEEDUPS: readonly MeasuredSpeedup[] = [
  ...product("ort-node", "f32", "shared", 16, [
    [1, 0.75, 1.2, 1.2, 1.2],
    [1, 0.5, 1.9, 1.8, 1.8],
    [1, 0.25, 3.2, 2.8, 2.8],
    [1, 0.1, 8, 5, 5],
  ]),
  ...product("ort-node", "f32", "multi", 16, [
    [64, 0.5, 1, 1, 1.15],
    [128, 0.5, 1.2, 1.3, 1.3],
    [256, 0.5, 1.3, 1.4, 1.4],
    [512, 0.5, 1.4, 1.4, 1.6],
    [32, 0.25, 1.1, 1, 1.35],
    [64, 0.25, 1.5, 1.4, 1.7],
    [128, 0.25, 2, 1.8, 1.9],
    [256, 0.25, 2.2, 1.9, 2.2],
    [32, 0.1, 1.7, 1.4, 1.8],
    [64, 0.1, 3, 2.1, 2.6],
    [128, 0.1, 4.5, 2.7, 3.1],
    [256, 0.1, 6.4, 3.3, 3.6],
  ]),
  ...product("ort-node", "f32", "bmm", 16, [
    [32, 0.5, 1.15, 0.6, 0.5],
    [64, 0.5, 1.25, 0.7, 0.7],
    [256, 0.5, 1.35, 0.9, 1.1],
    [32, 0.25, 2.8, 1.1, 1],
    [64, 0.25, 2.8, 1.2, 1.5],
    [256, 0.25, 2.8, 1.5, 1.9],
    [32, 0.1, 6.6, 2.2, 2.1],
    [64, 0.1, 7.7, 2.8, 3],
  ]),
  ...product("ort-node", "int8", "shared", 16, [
    [1, 0.75, 3.5, 2.6, 2.6],
    [1, 0.5, 4, 3.4, 3.2],
    [1, 0.25, 7.9, 3.9, 4],
  ]),
  ...product("ort-node", "int8", "multi", 16, [
    [64, 0.75, 1.9, 1.2, 1.2],
    [128, 0.75, 2.5, 1.7, 1.6],
    [256, 0.75, 3, 2.1, 1.9],
    [64, 0.5, 1.6, 1.6, 1.9],
    [128, 0.5, 2.6, 2.4, 2.4],
    [256, 0.5, 3.3, 2.8, 2.7],
    [512, 0.5, 3.9, 3.2, 3.1],
    [32, 0.25, 1.3, 1.1, 1.9],
    [64, 0.25, 2.6, 1.9, 2.6],
    [128, 0.25, 4.2, 2.8, 3.2],
    [256, 0.25, 6, 3.1, 3.5],
    [32, 0.1, 1.9, 1.4, 2.1],
    [64, 0.1, 3.5, 2.2, 2.8],
    [128, 0.1, 5.7, 3.1, 3.9],
    [256, 0.1, 8.2, 4, 4.3],
  ]),
  ...product("ort-node", "int8", "bmm", 16, [
    [32, 0.75, 2, 0.9, 1],
    [64, 0.75, 2.2, 1.3, 1],
    [32, 0.5, 2.2, 1.5, 1],
    [64, 0.5, 2.5, 2.1, 1.8],
    [32, 0.25, 5.3, 2.2, 1.7],
    [64, 0.25, 5.4, 2.7, 2.3],
    [128, 0.25, 5, 2.7, 2.7],
    [32, 0.1, 9, 3.4, 2.7],
    [64, 0.1, 9.7, 3.8, 2.9],
  ]),
  ...product("ort-web", "f32", "shared", 16, [
    [1, 0.75, 1.2, 1.2, 1.2],
    [1, 0.5, 1.6, 1.8, 1.8],
    [1, 0.25, 2.5, 3.4, 3.2],
  ]),
  ...product("ort-web", "f32", "multi", 16, [
    [128, 0.75, 1, 1.2, 1.2],
    [256, 0.75, 1.15, 1.25, 1.2],
    [32, 0.5, 0.6, 1.4, 1.4],
    [64, 0.5, 0.8, 1.5, 1.5],
    [128, 0.5, 1.15, 1.7, 1.6],
    [256, 0.5, 1.35, 1.8, 1.7],
    [32, 0.25, 0.6, 2.2, 2],
    [64, 0.25, 0.9, 2.8, 2.5],
    [256, 0.25, 1.8, 3, 3],
    [256, 0.1, 3, 7, 7],
  ]),
  ...product("ort-web", "f32", "bmm", 16, [
    [32, 0.5, 1.2, 1.2, 1],
    [64, 0.5, 1.2, 1.4, 1.2],
    [256, 0.5, 1.25, 1.5, 1.5],
    [32, 0.25, 2, 2, 1.7],
    [64, 0.25, 2.2, 2.6, 2.4],
    [64, 0.1, 4.5, 6, 6],
  ]),
  ...product("ort-web", "int8", "shared", 16, [
    [1, 0.75, 1.3, 2.7, 2.5],
    [1, 0.5, 1.4, 3.8, 4.4],
    [1, 0.25, 2.2, 6, 7],
  ]),
  ...product("ort-web", "int8", "multi", 16, [
    [32, 0.75, 0.7, 1.7, 1.9],
    [64, 0.75, 1, 2.1, 2],
    [128, 0.75, 1.2, 2.4, 2.4],
    [32, 0.5, 0.7, 2.4, 2.2],
    [64, 0.5, 1, 3, 3.3],
    [256, 0.5, 1.2, 3.6, 3.6],
    [32, 0.25, 0.7, 3.3, 3],
    [64, 0.25, 1.2, 4.6, 4.8],
    [256, 0.25, 1.8, 6, 6.5],
  ]),
  ...product("ort-web", "int8", "bmm", 16, [
    [32, 0.75, 1.5, 1.8, 1.4],
    [64, 0.75, 1.6, 2.3, 1.7],
    [32, 0.5, 1.6, 2.5, 1.6],
    [64, 0.5, 1.7, 3.2, 2.3],
    [32, 0.25, 2.6, 4.4, 2.8],
  ]),
  // Units below 16 inputs, down to single ones.
  ...product("ort-node", "f32", "shared", 1, [
    [1, 0.5, 1.6, 1.7, 1.7],
    [1, 0.25, 3, 2.4, 2.4],
  ]),
  ...product("ort-node", "int8", "shared", 1, [
    [1, 0.5, 3.5, 3, 2.2],
    [1, 0.25, 6, 3.5, 4],
  ]),
  ...product("ort-web", "f32", "shared", 1, [
    [1, 0.5, 1.3, 1.5, 1.5],
    [1, 0.25, 2, 2.5, 2.5],
  ]),
  ...product("ort-node", "f32", "multi", 1, [[256, 0.25, 2, 1.4, 1.6]]),
  ...product("ort-node", "f32", "multi", 4, [
    [256, 0.5, 1.3, 1.3, 1.2],
    [256, 0.25, 2.1, 1.8, 1.9],
  ]),
  ...product("ort-web", "f32", "multi", 4, [[256, 0.25, 1.5, 2, 2]]),
  ...convolution("ort-node", 9, [
    ["shared", 1, 0.5, 1.4],
    ["shared", 1, 0.25, 2.2],
    ["multi", 32, 0.5, 1.15],
    ["multi", 32, 0.25, 1.9],
    ["multi", 64, 0.5, 1.5],
    ["multi", 64, 0.25, 2.6],
  ]),
  ...convolution("ort-node", 1, [
    ["shared", 1, 0.5, 1.4],
    ["shared", 1, 0.25, 1.9],
    ["multi", 128, 0.25, 1.3],
  ]),
  ...convolution("ort-web", 9, [
    ["shared", 1, 0.5, 1.9],
    ["shared", 1, 0.25, 3.5],
    ["multi", 32, 0.5, 1.6],
    ["multi", 32, 0.25, 3],
  ]),
  ...convolution("ort-web", 1, [
    ["shared", 1, 0.5, 1.4],
    ["shared", 1, 0.25, 1.9],
    ["multi", 32, 0.5, 1.3],
    ["multi", 32, 0.25, 2.3],
  ]),
];

function product(
  target: BlockLayer["target"],
  values: BlockLayer["values"],
  form: LoweredForm,
  unit: number,
  rows: readonly Row[],
): readonly MeasuredSpeedup[] {
  return rows.map(([width, density, ...speedup]) => {
    return { op: "product", positions: 1, target, values, form, unit, width, density, speedup };
  });
}

function convolution(
  target: BlockLayer["target"],
  positions: number,
  rows: readonly (readonly [form: LoweredForm, width: number, density: number, speedup: number])[],
): readonly MeasuredSpeedup[] {
  return rows.map(([form, width, density, one]) => {
    return { op: "conv", positions, target, values: "f32", form, unit: 1, width, density, speedup: [one, one, one] };
  });
}
