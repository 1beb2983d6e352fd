import { entryCount } from "../buffer-order.js";
import { intAttribute } from "../call-frame.js";
import type { MatrixLayout } from "../matrix-layout.js";
import { type LinearOperator, wrongRank } from "./linear-operator.js";

/**
 * MatMul with a constant on either side. Right `[…, K, N]`: K in, N out. Left `[…, M, K]`: M out, K in. Every matrix of a
 * batch is a group.
 */
export const matMul: LinearOperator = {
  op: "MatMul",
  inputs: ["left operand", "right operand"],
  weightInputs: [0, 1],
  matrix: ({ input }, shape) => batchedMatrix(shape, input === 0),
};

/** FusedMatMul of ONNX Runtime: MatMul whose operands may be transposed in their last two dimensions. */
export const fusedMatMul: LinearOperator = {
  ...matMul,
  op: "com.microsoft.FusedMatMul",
  matrix({ input, attributes }, shape) {
    const side = input === 0 ? "A" : "B";
    if (intAttribute(attributes, `transBatch${side}`, 0) !== 0)
      return "moves its batch dimensions, which is not supported";
    const transposed = intAttribute(attributes, `trans${side}`, 0) !== 0;
    return batchedMatrix(shape, (input === 0) !== transposed);
  },
};

/**
 * A matrix, or one after the other, in the last two dimensions.
 *
 * @param rowsAreOut whether the first of these dimensions steps through out channels and the last through in-features
 */
function batchedMatrix(shape: readonly number[], rowsAreOut: boolean): MatrixLayout | string {
  const [rows, columns] = shape.slice(-2);
  if (rows === undefined) return wrongRank(shape, "a matrix");
  if (columns === undefined) return "reads it as a vector, which has no rows and columns to prune";
  const groups = entryCount(shape.slice(0, -2));
  const [out, inFeatures] = rowsAreOut ? [rows, columns] : [columns, rows];
  const outAxis = { size: out, role: "out", step: 1 } as const;
  const inAxis = { size: inFeatures, role: "in", step: 1 } as const;
  return {
    outChannels: groups * out,
    inFeatures,
    groups,
    axes: [{ size: groups, role: "out", step: out }, ...(rowsAreOut ? [outAxis, inAxis] : [inAxis, outAxis])],
  };
}
