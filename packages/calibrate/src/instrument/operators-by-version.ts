import { makeTensor } from "@espalier/onnx";
import type { GraphAdditions } from "./graph-additions.js";
import { Unmeasurable } from "./unmeasurable.js";

/** Adds ReduceSum, whose axes were an attribute before version 13. @param axes at least one */
export function reduceSum(graph: GraphAdditions, value: string, axes: readonly number[], keepDims = false): string {
  const keepdims = keepDims ? 1n : 0n;
  if (graph.opset < 13) return graph.op("ReduceSum", [value], { axes: axes.map(BigInt), keepdims });
  return graph.op("ReduceSum", [value, graph.integers(axes)], { keepdims });
}

/** Adds a Slice of one axis, whose bounds were attributes before version 10. */
export function slice(graph: GraphAdditions, value: string, axis: number, start: number, end: number): string {
  if (graph.opset < 10) {
    return graph.op("Slice", [value], { axes: [BigInt(axis)], starts: [BigInt(start)], ends: [BigInt(end)] });
  }
  return graph.op("Slice", [value, ...[start, end, axis].map((number) => graph.integers([number]))]);
}

/** Adds Gemm without its third operand, which was not optional before version 11. */
export function gemm(graph: GraphAdditions, a: string, b: string, trans: "transA" | "transB"): string {
  const zero = graph.opset < 11 ? [graph.floats(Float32Array.of(0))] : [];
  return graph.op("Gemm", [a, b, ...zero], { [trans]: 1n });
}

/** Adds Unsqueeze, whose axes were an attribute before version 13. @param axes of the result */
export function unsqueeze(graph: GraphAdditions, value: string, axes: readonly number[]): string {
  if (graph.opset < 13) return graph.op("Unsqueeze", [value], { axes: axes.map(BigInt) });
  return graph.op("Unsqueeze", [value, graph.integers(axes)]);
}

/**
 * Adds nodes that count: 0, 1, 2, … as int64 `[1, size]`. Range would do it since version 11, this does since 9.
 *
 * @param size int64 `[1]`
 * @throws {Unmeasurable} before version 9
 */
export function counting(graph: GraphAdditions, size: string): string {
  if (graph.opset < 9)
    throw new Unmeasurable("the sizes of its input are not fixed, which needs a model of opset 9 or later");
  const ones = graph.op("ConstantOfShape", [size], { value: makeTensor("", [1], BigInt64Array.of(1n)) });
  return graph.op("NonZero", [ones]);
}
