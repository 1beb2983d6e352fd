import { type AttributeInit, AttributeProto_AttributeType as AttributeType, type NodeProto } from "@espalier/onnx";
import type { LaidOut } from "./lay-out.js";
import type { Measuring, Site } from "./measuring.js";
import type { Window } from "./window.js";

/** Attributes of Conv that say how the kernel moves. */
const GEOMETRY: ReadonlySet<string> = new Set(["auto_pad", "dilations", "pads", "strides"]);

/**
 * Lays out what a kernel moves over. A convolution with one filter for each entry of the kernel, 1 there and 0 elsewhere,
 * does it, with the geometry of the convolution itself; where every entry of an image is a window, it is there already.
 *
 * @param value float32 `[batch, channels, …]`
 */
export function layOutPatches(
  { graph }: Measuring,
  { weight, node }: Site,
  value: string,
  windows: readonly Window[],
): LaidOut {
  const { groups, inFeatures } = weight;
  const laidOut = windows.every(isWhole) ? value : spreadPatches();
  return { kind: "patches", value: graph.op("Reshape", [laidOut, graph.integers([0, groups, inFeatures, -1])]) };

  function spreadPatches(): string {
    const kernel = windows.map((window) => window.kernel);
    const positions = kernel.reduce((all, size) => all * size, 1);
    const entries = groups * inFeatures;
    const filters = new Float32Array(entries * positions);
    for (let entry = 0; entry < entries; entry++) filters[entry * positions + (entry % positions)] = 1;
    return graph.op("Conv", [value, graph.floats(filters, [entries, 1, ...kernel])], {
      ...geometryOf(node),
      group: BigInt(entries / positions),
    });
  }
}

/** Whether windows are the entries of an axis. */
function isWhole({ kernel, stride, padding }: Window): boolean {
  if (kernel !== 1 || stride !== 1) return false;
  return typeof padding === "string" || (padding.begin === 0 && padding.end === 0);
}

function geometryOf(node: NodeProto): Record<string, AttributeInit> {
  const kept = node.attribute.filter(({ name }) => GEOMETRY.has(name));
  return Object.fromEntries(
    kept.map(({ name, type, ints, s }) => [name, type === AttributeType.INTS ? ints : new TextDecoder().decode(s)]),
  );
}
