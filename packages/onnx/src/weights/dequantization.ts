import type { TensorProto } from "../proto.js";
import { type BufferOrder, type Stretch, shapeOf } from "./buffer-order.js";

/** How far one dimension of a quantised tensor moves through its scales. */
interface ParameterDimension {
  readonly stretches: readonly Stretch[];
  /** Consecutive positions that share a scale. */
  readonly block: number;
  /** Scales from one block to the next. */
  readonly step: number;
}

/** Which scale and zero point belong to which entry of a buffer. Per tensor: no dimensions. */
export type ParameterMap = readonly ParameterDimension[];

/** `(stored − zero point) · scale`, with the parameters that DequantizeLinear has as constants. */
export interface Dequantization {
  readonly scale: TensorProto;
  /** Absent means 0. */
  readonly zeroPoint: TensorProto | undefined;
  readonly parameters: ParameterMap;
}

/**
 * Reads the shape of the scales as DequantizeLinear does: one scale for all; one per position of `axis`; with a block size one
 * for every so many positions of `axis`, at every position of the other dimensions.
 *
 * @returns a text that completes "DequantizeLinear …" when the shapes do not fit
 * @see https://github.com/onnx/onnx/blob/main/docs/Operators.md#DequantizeLinear
 */
export function parameterMap(
  order: BufferOrder,
  scaleShape: readonly number[],
  axis: number,
  blockSize: number,
): ParameterMap | string {
  if (scaleShape.every((size) => size === 1) && blockSize === 0) return [];
  const shape = shapeOf(order);
  const dimension = axis < 0 ? axis + shape.length : axis;
  const length = shape[dimension];
  if (length === undefined) return `has axis ${axis}, but the weight has ${shape.length} dimensions there`;
  const expected =
    blockSize > 0 ? shape.map((size, index) => (index === dimension ? Math.ceil(size / blockSize) : size)) : [length];
  if (expected.join() !== scaleShape.join()) {
    return `has scales of shape [${scaleShape.join(", ")}] where its weight needs [${expected.join(", ")}]`;
  }
  if (blockSize === 0) return [{ stretches: order[dimension] ?? [], block: 1, step: 1 }];
  let step = 1;
  const map: ParameterDimension[] = [];
  for (let index = shape.length - 1; index >= 0; index--) {
    map.push({ stretches: order[index] ?? [], block: index === dimension ? blockSize : 1, step });
    step *= expected[index] ?? 1;
  }
  return map;
}

/** Which scale (and zero point) belongs to the entry at this buffer index. */
export function parameterIndex(map: ParameterMap, bufferIndex: number): number {
  let index = 0;
  for (const { stretches, block, step } of map) {
    let position = 0;
    for (const { size, stride } of stretches) position = position * size + (Math.floor(bufferIndex / stride) % size);
    index += Math.floor(position / block) * step;
  }
  return index;
}

/** Whether two tensors hold the same values of the same type; absent ones are only like each other. */
export type SameTensor = (a: TensorProto | undefined, b: TensorProto | undefined) => boolean;

/** Compares tensors by their bytes, every pair once: thousands of nodes may share a few tensors of megabytes. */
export function tensorComparison(bytesOf: (tensor: TensorProto) => Uint8Array): SameTensor {
  const known = new Map<TensorProto, Map<TensorProto, boolean>>();
  return (a, b) => {
    if (a === undefined || b === undefined || a === b) return a === b;
    const withA = known.get(a) ?? new Map<TensorProto, boolean>();
    known.set(a, withA);
    const same = withA.get(b) ?? (a.dataType === b.dataType && sameBytes(bytesOf(a), bytesOf(b)));
    withA.set(b, same);
    return same;
  };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Whether two DequantizeLinear nodes make the same numbers of the same integers. */
export function sameDequantization(a: Dequantization, b: Dequantization, sameTensor: SameTensor): boolean {
  const sameMap = JSON.stringify(a.parameters) === JSON.stringify(b.parameters);
  return sameMap && sameTensor(a.scale, b.scale) && sameTensor(a.zeroPoint, b.zeroPoint);
}
