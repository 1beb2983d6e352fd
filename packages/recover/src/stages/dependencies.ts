import type { TensorProto } from "@espalier/onnx";
import type { StageGraph } from "./stage-graph.js";

/** A set of weights: bit i stands for the weight with index i. */
export type WeightSet = bigint;

/** What values of the main graph are computed from. */
export interface Dependencies {
  /** The weights that a value depends on. */
  weightsOf(value: string): WeightSet;
  /** Whether a value differs from sample to sample. */
  fromSamples(value: string): boolean;
}

/**
 * Follows weights and samples through the main graph, once over its nodes.
 *
 * @param weights the tensors of the weights; index → bit
 */
export function dependencies(graph: StageGraph, weights: readonly TensorProto[]): Dependencies {
  const bits = new Map(weights.map((tensor, index) => [tensor, 1n << BigInt(index)]));
  const sets = new Map<string, WeightSet>();
  for (const [name, constant] of graph.constants) {
    const bit = "tensor" in constant ? bits.get(constant.tensor) : undefined;
    if (bit !== undefined) sets.set(name, bit);
  }
  const sampled = new Set(graph.inputs.keys());
  for (const { proto, reads, tensors } of graph.nodes) {
    let set = 0n;
    for (const name of reads) set |= sets.get(name) ?? 0n;
    for (const tensor of tensors) set |= bits.get(tensor) ?? 0n;
    const isSampled = [...reads].some((name) => sampled.has(name));
    for (const name of proto.output) {
      if (set !== 0n) sets.set(name, set);
      if (isSampled) sampled.add(name);
    }
  }
  return { weightsOf: (value) => sets.get(value) ?? 0n, fromSamples: (value) => sampled.has(value) };
}

/**
 * Depths of weights, at least 1: one more than the largest of the weights that their inputs depend on. Weights that depend on
 * each other, because a weight is read at several places, have one depth.
 *
 * @param inputs for each weight what its inputs depend on
 */
export function weightDepths(inputs: readonly WeightSet[]): readonly number[] {
  const behind = closure(inputs);
  const isBehind = (weight: number, other: number): boolean => (behind[weight]! & (1n << BigInt(other))) !== 0n;
  const depths = inputs.map(() => 1);
  // Whatever lies before a weight, and does not depend on it in turn, has fewer weights before it.
  const order = [...inputs.keys()].sort((a, b) => size(behind[a]!) - size(behind[b]!));
  for (const weight of order) {
    const before = order.filter((other) => isBehind(weight, other) && !isBehind(other, weight));
    depths[weight] = 1 + Math.max(0, ...before.map((other) => depths[other]!));
  }
  return depths;
}

/** Each weight with all that lie before it, and itself. */
function closure(inputs: readonly WeightSet[]): readonly WeightSet[] {
  const sets = inputs.map((set, weight) => set | (1n << BigInt(weight)));
  for (const via of sets.keys()) {
    const bit = 1n << BigInt(via);
    for (const [weight, own] of sets.entries()) if ((own & bit) !== 0n) sets[weight] = own | sets[via]!;
  }
  return sets;
}

function size(set: WeightSet): number {
  return set.toString(2).replaceAll("0", "").length;
}
