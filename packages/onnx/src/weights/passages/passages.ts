import type { NodeProto } from "../../proto.js";
import { operatorName } from "../node-names.js";
import { cast, castLike } from "./cast.js";
import { identity } from "./identity.js";
import type { Passage } from "./passage.js";
import { dequantizeLinear, quantizeLinear } from "./quantization.js";
import { flatten, reshape, squeeze, unsqueeze } from "./reshape.js";
import { transpose } from "./transpose.js";

const PASSAGES: ReadonlyMap<string, Passage> = new Map(
  [
    identity,
    transpose,
    cast,
    castLike,
    reshape,
    flatten,
    squeeze,
    unsqueeze,
    quantizeLinear,
    dequantizeLinear,
    { ...quantizeLinear, op: "com.microsoft.QuantizeLinear" },
    { ...dequantizeLinear, op: "com.microsoft.DequantizeLinear" },
  ].map((passage) => [passage.op, passage]),
);

/** The passage that a node is, if it is one. */
export function passageOf(node: NodeProto): Passage | undefined {
  return PASSAGES.get(operatorName(node));
}
