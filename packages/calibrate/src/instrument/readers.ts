import type { Consumer, NodeProto, PrunableWeight } from "@espalier/onnx";
import { Unmeasurable } from "./unmeasurable.js";

/**
 * The nodes that multiply with a weight. Shape and Size also read it, but not its values.
 *
 * @param isReached whether what a node is given can be measured there
 * @throws {Unmeasurable} where it cannot, or where nodes do not agree about the weight
 */
export function readersOf(weight: PrunableWeight, isReached: (node: NodeProto) => boolean): readonly Consumer[] {
  if (weight.axisConflict !== undefined) throw new Unmeasurable(weight.axisConflict);
  const readers = weight.consumers.filter(({ op }) => op !== "Shape" && op !== "Size");
  const inside = readers.find(({ proto }) => !isReached(proto));
  if (inside !== undefined) {
    throw new Unmeasurable(
      `${inside.op} ${JSON.stringify(inside.node)} stands inside ${inside.scope}, whose values do not leave it`,
    );
  }
  return readers;
}
