import type { GraphAdditions } from "./graph-additions.js";

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
