import { type AttributeInit, AttributeProto_AttributeType as AttributeType, type NodeProto } from "@espalier/onnx";
import type { Measuring, Site } from "./measuring.js";
import type { Window } from "./window.js";

/** Attributes of Conv that say how the kernel moves. */
const GEOMETRY: ReadonlySet<string> = new Set(["auto_pad", "dilations", "pads", "strides"]);

/** What a kernel moves over. */
export interface Patches {
  /** float32 `[batch, channels, …]`. */
  readonly value: string;
  readonly windows: readonly Window[];
  /** Windows of one image, and of all: int64 `[1]`. */
  readonly perImage: string;
  readonly count: string;
}

/**
 * `Σ patch · patchᵀ` over all windows of a convolution, group by group. A convolution with one filter for each entry of the
 * kernel, 1 there and 0 elsewhere, lays the patches out, with the geometry of the convolution itself.
 *
 * @returns float32 `[groups, inFeatures, inFeatures]`
 */
export function patchGram({ graph }: Measuring, { weight, node }: Site, patches: Patches): string {
  const kernel = patches.windows.map((window) => window.kernel);
  const positions = kernel.reduce((all, size) => all * size, 1);
  const { groups, inFeatures } = weight;
  const entries = groups * inFeatures;
  const filters = new Float32Array(entries * positions);
  for (let entry = 0; entry < entries; entry++) filters[entry * positions + (entry % positions)] = 1;
  const laidOut = graph.op("Conv", [patches.value, graph.floats(filters, [entries, 1, ...kernel])], {
    ...geometryOf(node),
    group: BigInt(entries / positions),
  });
  const shape = (sizes: readonly number[], last: string) =>
    graph.op("Concat", [graph.integers(sizes), last], { axis: 0n });
  // [batch, groups, inFeatures, windows] → [groups, inFeatures, batch · windows]
  const grouped = graph.op("Reshape", [laidOut, shape([0, groups, inFeatures], patches.perImage)]);
  const turned = graph.op("Transpose", [grouped], { perm: [1n, 2n, 0n, 3n] });
  const matrix = graph.op("Reshape", [turned, shape([groups, inFeatures], patches.count)]);
  return graph.op("MatMul", [matrix, graph.op("Transpose", [matrix], { perm: [0n, 2n, 1n] })]);
}

function geometryOf(node: NodeProto): Record<string, AttributeInit> {
  const kept = node.attribute.filter(({ name }) => GEOMETRY.has(name));
  return Object.fromEntries(
    kept.map(({ name, type, ints, s }) => [name, type === AttributeType.INTS ? ints : new TextDecoder().decode(s)]),
  );
}
