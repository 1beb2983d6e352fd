import { entryCount } from "../buffer-order.js";
import { textAttribute } from "../call-frame.js";
import type { MatrixLayout, WeightAxis } from "../matrix-layout.js";
import { ELLIPSIS, parseEquation } from "./einsum-equation.js";
import { type LinearOperator, wrongRank } from "./linear-operator.js";

/** What a dimension of the weight is to the product: shared with the data and kept, kept only here, or summed over. */
type Part = "batch" | "out" | "in";

/**
 * Einsum of two operands where it is a matrix product: labels that both operands and the result have number the groups,
 * labels of the weight that the result has are out channels, labels that are summed over are in-features. Where there are
 * several of a kind they count in the order in which the weight stores them.
 */
export const einsum: LinearOperator = {
  op: "Einsum",
  inputs: ["first operand", "second operand"],
  weightInputs: [0, 1],
  matrix({ attributes, input, node }, shape) {
    const equation = parseEquation(textAttribute(attributes, "equation") ?? "");
    if (equation === undefined || equation.operands.length !== node.input.length)
      return "has no equation for its operands";
    const { operands, output } = equation;
    const [weight, data] = input === 0 ? operands : [...operands].reverse();
    if (operands.length !== 2 || weight === undefined || data === undefined) return "is no product of two operands";
    const parts = partsOf(weight, data, output);
    return typeof parts === "string" ? parts : matrixOf(weight, parts, shape);
  },
};

function partsOf(weight: readonly string[], data: readonly string[], output: readonly string[]): Part[] | string {
  if ([weight, data, output].some((labels) => new Set(labels).size < labels.length)) return "takes a diagonal";
  const summedAlone = (labels: readonly string[], others: readonly string[]): string | undefined =>
    labels.find((label) => !others.includes(label) && !output.includes(label));
  const alone = summedAlone(weight, data) ?? summedAlone(data, weight);
  if (alone !== undefined) return `sums over "${alone}" in only one operand`;
  if (!output.includes(ELLIPSIS) && [...weight, ...data].includes(ELLIPSIS)) return "sums over an ellipsis";
  const parts = weight.map((label): Part => {
    if (!output.includes(label)) return "in";
    return data.includes(label) ? "batch" : "out";
  });
  if (!parts.includes("in")) return "sums over no label of it, so that it is no matrix product";
  return parts;
}

function matrixOf(weight: readonly string[], parts: readonly Part[], shape: readonly number[]): MatrixLayout | string {
  const covered = shape.length - (weight.length - (weight.includes(ELLIPSIS) ? 1 : 0));
  if (covered < 0 || (covered > 0 && !weight.includes(ELLIPSIS))) return wrongRank(shape, `"${weight.join("")}"`);
  const dimensions = weight.flatMap((label, index) =>
    label === ELLIPSIS ? Array<Part>(covered).fill(parts[index]!) : [parts[index]!],
  );
  if (dimensions.every((part) => part === "in")) return "reads it as a vector, which has no rows and columns to prune";
  const sizesOf = (part: Part): number[] => shape.filter((_, axis) => dimensions[axis] === part);
  const [groups, outPerGroup, inFeatures] = [
    entryCount(sizesOf("batch")),
    entryCount(sizesOf("out")),
    entryCount(sizesOf("in")),
  ];
  // Innermost first: each dimension steps over all that lie inside it and count the same thing.
  const step = { batch: outPerGroup, out: 1, in: 1 };
  const axes = [...shape].reverse().map((size, index): WeightAxis => {
    const part = dimensions[shape.length - 1 - index]!;
    const axis: WeightAxis = { size, role: part === "in" ? "in" : "out", step: step[part] };
    step[part] *= size;
    return axis;
  });
  return { outChannels: groups * outPerGroup, inFeatures, groups, axes: axes.reverse() };
}
