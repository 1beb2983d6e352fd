import type { LaidOutInput } from "@espalier/calibrate";
import type { AttributeProto, NodeProto } from "@espalier/onnx";
import type { StageGraph } from "./stage-graph.js";

/** The input of weights, in the form in which it is cheapest to sum over. */
export interface StageInput extends LaidOutInput {
  /**
   * How the value lies: `positions` `[groups, positions, inFeatures]` · `patches` of convolutions, as they arise,
   * `[batch, groups, inFeatures, windows]`.
   */
  readonly form: "positions" | "patches";
}

/** What turns patches into positions: `[batch, groups, inFeatures, windows]` to `[groups, batch, windows, inFeatures]`. */
const PATCHES_TO_POSITIONS = [1n, 0n, 3n, 2n];

/**
 * Takes the patches of a convolution as they are before they are turned into positions: turning all numbers one by one, and the
 * product over an axis that is not the last, take five times as long as the rest (25 entries a patch, 480 groups: 160 ms, 52 ms
 * without).
 */
export function stageInput(graph: StageGraph, input: LaidOutInput): StageInput {
  const reshape = inner(graph, input.value, "Reshape");
  const transpose = reshape && inner(graph, reshape.input[0]!, "Transpose");
  const perm = transpose?.attribute.find(({ name }: AttributeProto) => name === "perm")?.ints;
  if (perm?.join() !== PATCHES_TO_POSITIONS.join()) return { ...input, form: "positions" };
  return { ...input, form: "patches", value: transpose!.input[0]! };
}

/** The node of this kind that computes a value, where it was added to lay inputs out. */
function inner({ makers }: StageGraph, value: string, op: string): NodeProto | undefined {
  const maker = makers.get(value);
  return maker !== undefined && !maker.isOwn && maker.proto.opType === op ? maker.proto : undefined;
}
