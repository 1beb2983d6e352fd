/** Stands for the dimensions that `...` covers. */
export const ELLIPSIS = "...";

/** An einsum equation: the labels of every operand and of the result, single letters or {@link ELLIPSIS}. */
export interface EinsumEquation {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/**
 * Takes an equation such as `bij,...jk->...ik` apart. Without an arrow the result has the ellipsis and then every label that
 * occurs once, in alphabetical order.
 *
 * @returns undefined when the text is no equation
 * @see https://github.com/onnx/onnx/blob/main/docs/Operators.md#Einsum
 */
export function parseEquation(text: string): EinsumEquation | undefined {
  const [left = "", right, ...more] = text.replaceAll(" ", "").split("->");
  const operands = left.split(",").map(labels);
  const output = right === undefined ? undefined : labels(right);
  const valid = more.length === 0 && operands.every((operand) => operand !== undefined);
  if (!valid || (right !== undefined && output === undefined)) return undefined;
  return { operands, output: output ?? implicitOutput(operands.flat()) };
}

function labels(term: string): string[] | undefined {
  const parts = term.match(/\.\.\.|[A-Za-z]/g) ?? [];
  const ellipses = parts.filter((part) => part === ELLIPSIS).length;
  return parts.join("") === term && ellipses <= 1 ? parts : undefined;
}

function implicitOutput(all: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const label of all) counts.set(label, (counts.get(label) ?? 0) + 1);
  const once = [...counts].filter(([label, count]) => label !== ELLIPSIS && count === 1).map(([label]) => label);
  return [...(counts.has(ELLIPSIS) ? [ELLIPSIS] : []), ...once.sort()];
}
