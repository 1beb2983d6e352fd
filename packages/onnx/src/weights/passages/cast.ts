import { dtypeName } from "../../dtype.js";
import { intAttribute, textAttribute } from "../call-frame.js";
import type { NodeReading, TracedValue } from "../node-reading.js";
import type { Passage } from "./passage.js";

const FLOATS: ReadonlySet<string> = new Set(["float32", "float64", "float16", "bfloat16"]);

/** Before opset 6 Cast named its target by text. */
const OLD_NAMES: Readonly<Record<string, string>> = { FLOAT: "float32", DOUBLE: "float64", FLOAT16: "float16" };

/** Cast between floating-point types: zero stays zero and every entry stays where it is. */
export const cast: Passage = {
  op: "Cast",
  inputs: ["input"],
  pass(value, reading) {
    const target = targetType(reading);
    if (value.quantized) return `converts ${value.dtype} values, which are prunable only behind DequantizeLinear`;
    return FLOATS.has(target)
      ? value
      : `converts it to ${target}, which is no floating-point type of a linear operator`;
  },
};

/** CastLike takes its target from another value; what reads the result decides whether it is a linear operator. */
export const castLike: Passage = {
  op: "CastLike",
  inputs: ["input", "target type"],
  pass(value: TracedValue) {
    return value.quantized ? `converts ${value.dtype} values, which are prunable only behind DequantizeLinear` : value;
  },
};

function targetType({ attributes }: NodeReading): string {
  const text = textAttribute(attributes, "to") ?? "";
  return OLD_NAMES[text] ?? dtypeName(intAttribute(attributes, "to", 0));
}
