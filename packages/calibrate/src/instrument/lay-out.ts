import type { PrunableWeight } from "@espalier/onnx";
import type { GraphAdditions } from "./graph-additions.js";
import { gemm } from "./operators-by-version.js";

/** A weight's inputs, laid out: what a node multiplies with the weight, position by position. Always float32. */
export type LaidOut = LaidOutRows | LaidOutPatches;

/** Inputs of a weight of one group, one row for each position that counts: `[positions, inFeatures]`. */
interface LaidOutRows {
  readonly kind: "rows";
  readonly value: string;
}

/** Inputs of a convolution, whose positions are the windows of all images: `[batch, groups, inFeatures, windows]`. */
interface LaidOutPatches {
  readonly kind: "patches";
  readonly value: string;
}

/** What is needed of a weight to arrange its inputs. */
type Geometry = Pick<PrunableWeight, "groups" | "inFeatures">;

/** Arranges inputs as float32 `[groups, positions, inFeatures]`. */
export function asMatrices(graph: GraphAdditions, { kind, value }: LaidOut, { groups, inFeatures }: Geometry): string {
  const shape = graph.integers([groups, -1, inFeatures]);
  if (kind === "rows") return graph.op("Reshape", [value, shape]);
  return graph.op("Reshape", [graph.op("Transpose", [value], { perm: [1n, 0n, 3n, 2n] }), shape]);
}

/**
 * `Σ x · xᵀ` over all positions, group by group: float32 `[groups, inFeatures, inFeatures]`, of any shape.
 *
 * Patches are brought together with the windows last: that moves whole runs of numbers, and the product turns one side
 * itself.
 */
export function gramOf(graph: GraphAdditions, { kind, value }: LaidOut, { groups, inFeatures }: Geometry): string {
  if (kind === "rows") return gemm(graph, value, value, "transA");
  const turned = graph.op("Transpose", [value], { perm: [1n, 2n, 0n, 3n] });
  const matrix = graph.op("Reshape", [turned, graph.integers([groups, inFeatures, -1])]);
  return graph.op("MatMul", [matrix, graph.op("Transpose", [matrix], { perm: [0n, 2n, 1n] })]);
}
