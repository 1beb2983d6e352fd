import type { NodeProto } from "../../proto.js";
import { operatorName } from "../node-names.js";
import { conv, fusedConv } from "./conv.js";
import { convTranspose } from "./conv-transpose.js";
import { einsum } from "./einsum.js";
import { fusedGemm, gemm } from "./gemm.js";
import { integerProducts } from "./integer-products.js";
import type { LinearOperator } from "./linear-operator.js";
import { fusedMatMul, matMul } from "./matmul.js";
import { gru, lstm, rnn } from "./recurrent.js";

/** To add an operator: a file beside this one, and its name here. */
const OPERATORS: ReadonlyMap<string, LinearOperator> = new Map(
  [
    matMul,
    gemm,
    conv,
    convTranspose,
    lstm,
    gru,
    rnn,
    einsum,
    fusedMatMul,
    fusedGemm,
    fusedConv,
    ...integerProducts,
  ].map((operator) => [operator.op, operator]),
);

/** The linear operator that a node is, if it is one. */
export function linearOperatorOf(node: NodeProto): LinearOperator | undefined {
  return OPERATORS.get(operatorName(node));
}
