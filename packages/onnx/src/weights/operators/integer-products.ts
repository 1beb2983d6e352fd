import type { LinearOperator } from "./linear-operator.js";

/**
 * Products of integers. Their weights would need the scale that stands elsewhere in the graph (MatMulInteger, ConvInteger) or
 * beside them (QLinearMatMul, QLinearConv); in the QDQ form, which every quantiser also writes, they are prunable.
 */
function integerProduct(op: string, inputs: readonly string[], weightInputs: readonly number[]): LinearOperator {
  return {
    op,
    inputs,
    weightInputs,
    matrix: () => "multiplies integers: int8 and uint8 weights are prunable only behind DequantizeLinear",
  };
}

const parameters = ["scale", "zero point"];

/** MatMulInteger, ConvInteger, QLinearMatMul and QLinearConv: recognised, to say why not. */
export const integerProducts: readonly LinearOperator[] = [
  integerProduct("MatMulInteger", ["left operand", "right operand", "zero point", "zero point"], [0, 1]),
  integerProduct("ConvInteger", ["data", "weight", "zero point", "zero point"], [1]),
  integerProduct(
    "QLinearMatMul",
    ["left operand", ...parameters, "right operand", ...parameters, ...parameters],
    [0, 3],
  ),
  integerProduct("QLinearConv", ["data", ...parameters, "weight", ...parameters, ...parameters, "bias"], [3]),
];
