import type { Consumer } from "@espalier/onnx";
import type { MeasuredOperator } from "../measuring.js";
import { operatorName } from "../opset.js";
import { Unmeasurable } from "../unmeasurable.js";
import { conv } from "./conv.js";
import { convTranspose } from "./conv-transpose.js";
import { einsum } from "./einsum.js";
import { gemm } from "./gemm.js";
import { matMul } from "./matmul.js";
import { recurrent } from "./recurrent.js";

/** To add an operator: a file beside this one, and its name here. */
const OPERATORS: ReadonlyMap<string, MeasuredOperator> = new Map(
  [matMul, gemm, conv, convTranspose, recurrent, einsum].flatMap((operator) =>
    operator.ops.map((op) => [op, operator] as const),
  ),
);

/** What measures the inputs of weights at a node. @throws {Unmeasurable} where nothing does */
export function operatorAt({ proto, op }: Consumer): MeasuredOperator {
  const operator = OPERATORS.get(operatorName(proto));
  if (operator === undefined) throw new Unmeasurable(`nothing is known of the inputs of ${op}`);
  return operator;
}
