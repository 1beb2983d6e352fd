import { fixed, type Shape } from "../dim.js";
import { broadcastShapes, type Rule, type RuleInput, shapes } from "../rule.js";

/** MatMul, FusedMatMul. */
export const matMul: Rule = (input) => {
  const [a, b] = [input.shape(0), input.shape(1)];
  if (a === undefined || b === undefined || a.length === 0 || b.length === 0) return [];
  if (input.int("transBatchA", 0) !== 0 || input.int("transBatchB", 0) !== 0) return [];
  const [rowsA, rowsB] = [matrixPart(a, input.int("transA", 0)), matrixPart(b, input.int("transB", 0))];
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2), input.broadcast);
  return shapes([...batch, ...(a.length > 1 ? [rowsA[0]!] : []), ...(b.length > 1 ? [rowsB[1]!] : [])]);
};

/** Gemm, FusedGemm. */
export const gemm: Rule = (input) => {
  const [a, b] = [input.shape(0), input.shape(1)];
  if (a?.length !== 2 || b?.length !== 2) return [];
  return shapes([matrixPart(a, input.int("transA", 0))[0]!, matrixPart(b, input.int("transB", 0))[1]!]);
};

/** LSTM, GRU and RNN: X `[seq, batch, in]` (with layout 1 `[batch, seq, in]`) → Y, Y_h, Y_c. */
export const recurrent: Rule = (input: RuleInput) => {
  const [x, r] = [input.shape(0), input.shape(2)];
  const [directions, , hidden] = r ?? [];
  const batchFirst = input.int("layout", 0) === 1;
  const [seq, batch] = batchFirst ? [x?.[1], x?.[0]] : [x?.[0], x?.[1]];
  if (!seq || !batch || !directions || !hidden) return [];
  const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  return shapes(batchFirst ? [batch, seq, directions, hidden] : [seq, directions, batch, hidden], last, last);
};

/** Einsum of labels without an ellipsis. */
export const einsum: Rule = (input) => {
  const [left = "", right] = (input.text("equation") ?? "").replaceAll(" ", "").split("->");
  if (right === undefined || `${left}${right}`.includes(".")) return [];
  const sizes = new Map<string, Shape[number]>();
  for (const [operand, labels] of left.split(",").entries()) {
    const shape = input.shape(operand);
    if (shape?.length !== labels.length) return [];
    for (const [axis, label] of [...labels].entries()) {
      sizes.set(label, input.broadcast(sizes.get(label) ?? fixed(1), shape[axis]!));
    }
  }
  return shapes([...right].map((label) => sizes.get(label) ?? fixed(1)));
};

function matrixPart(shape: Shape, transposed: number): Shape {
  const [rows, columns] = shape.length === 1 ? [shape[0]!, shape[0]!] : shape.slice(-2);
  return transposed === 0 ? [rows!, columns!] : [columns!, rows!];
}
