import { intAttribute } from "../call-frame.js";
import { type LinearOperator, wrongRank } from "./linear-operator.js";

/**
 * Gemm, `A' · B' + C`: B `[K, N]` (with `transB` `[N, K]`) has K in and N out; A `[M, K]` (with `transA` `[K, M]`) has M out
 * and K in.
 */
export const gemm: LinearOperator = {
  op: "Gemm",
  inputs: ["left operand", "right operand", "bias"],
  weightInputs: [0, 1],
  matrix({ input, attributes }, shape) {
    const [rows, columns] = shape;
    if (rows === undefined || columns === undefined || shape.length !== 2) return wrongRank(shape, "a matrix");
    const transposed = intAttribute(attributes, input === 0 ? "transA" : "transB", 0) !== 0;
    const rowsAreOut = (input === 0) !== transposed;
    return {
      outChannels: rowsAreOut ? rows : columns,
      inFeatures: rowsAreOut ? columns : rows,
      groups: 1,
      axes: [
        { size: rows, role: rowsAreOut ? "out" : "in", step: 1 },
        { size: columns, role: rowsAreOut ? "in" : "out", step: 1 },
      ],
    };
  },
};

/** FusedGemm of ONNX Runtime: Gemm with an activation behind it. */
export const fusedGemm: LinearOperator = { ...gemm, op: "com.microsoft.FusedGemm" };
