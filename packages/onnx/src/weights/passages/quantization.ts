import { dtypeName } from "../../dtype.js";
import type { TensorProto } from "../../proto.js";
import { entryCount } from "../buffer-order.js";
import { intAttribute } from "../call-frame.js";
import { parameterMap } from "../dequantization.js";
import type { NodeReading, TracedValue } from "../node-reading.js";
import type { Passage } from "./passage.js";

const INPUTS = ["input", "scale", "zero point"];

/**
 * QuantizeLinear on the way to a DequantizeLinear, as quantisation-aware training leaves it: 0 becomes the zero point and
 * then exactly 0 again, so a float weight may be pruned in front of the pair.
 */
export const quantizeLinear: Passage = {
  op: "QuantizeLinear",
  inputs: INPUTS,
  pass: (value) => (value.quantized ? "quantises values that are quantised already" : { ...value, quantized: true }),
};

/** DequantizeLinear with constant parameters, for one tensor, along an axis or in blocks. */
export const dequantizeLinear: Passage = {
  op: "DequantizeLinear",
  inputs: INPUTS,
  pass(value, reading) {
    if (!value.quantized) return `dequantises ${value.dtype} values, which are not quantised`;
    // A float weight behind QuantizeLinear, or integers quantised a second time: the file holds no integers of this node.
    if (value.dtype !== "int8" && value.dtype !== "uint8") return { ...value, quantized: false };
    if (value.dequantization) return { ...value, quantized: false };
    return dequantized(value, reading);
  },
};

function dequantized(value: TracedValue, reading: NodeReading): TracedValue | string {
  const scale = reading.tensor(1);
  const zeroPoint = reading.tensor(2);
  if (scale === undefined) return "has a scale that is computed";
  if (zeroPoint === undefined && reading.has(2)) return "has a zero point that is computed";
  if (!isFloat(scale)) return `has scales of type ${dtypeName(scale.dataType)}`;
  const scaleShape = scale.dims.map(Number);
  if (zeroPoint !== undefined) {
    const dtype = dtypeName(zeroPoint.dataType);
    if (dtype !== value.dtype) return `has a zero point of type ${dtype} for ${value.dtype} values`;
    if (entryCount(zeroPoint.dims.map(Number)) !== entryCount(scaleShape))
      return "has other numbers of scales and zero points";
  }
  const axis = intAttribute(reading.attributes, "axis", 1);
  const parameters = parameterMap(value.order, scaleShape, axis, intAttribute(reading.attributes, "block_size", 0));
  if (typeof parameters === "string") return parameters;
  return { ...value, quantized: false, dequantization: { scale, zeroPoint, parameters } };
}

function isFloat({ dataType }: TensorProto): boolean {
  return ["float32", "float64", "float16", "bfloat16"].includes(dtypeName(dataType));
}
