import { fixed, type Shape } from "../dim.js";
import { axisOf, type Rule, type RuleInput, shapes } from "../rule.js";

/** Operators that reduce along axes. */
export const REDUCTIONS: readonly string[] =
  "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare".split(
    " ",
  );

/** Axes as an attribute, or as a second input in newer versions; none means all of them. */
export const reduction: Rule = (input) => {
  const shape = input.shape(0);
  if (shape === undefined) return [];
  const given = reducedAxes(input);
  if (given === undefined) return [];
  const none = given.length === 0;
  if (none && input.int("noop_with_empty_axes", 0) !== 0) return shapes(shape);
  return shapes(reduced(shape, none ? shape.keys() : given, input.int("keepdims", 1) !== 0));
};

/** ArgMax, ArgMin: one axis. */
export const argument: Rule = (input) => {
  const shape = input.shape(0);
  return shapes(shape && reduced(shape, [input.int("axis", 0)], input.int("keepdims", 1) !== 0));
};

function reducedAxes({ node, numbers, ints }: RuleInput): readonly number[] | undefined {
  const attribute = ints("axes");
  if (attribute !== undefined || (node.input[1] ?? "") === "") return attribute ?? [];
  return numbers(1);
}

function reduced(shape: Shape, axes: Iterable<number>, keep: boolean): Shape {
  const gone = new Set([...axes].map((axis) => axisOf(axis, shape.length)));
  return shape.flatMap((dim, axis) => (gone.has(axis) ? (keep ? [fixed(1)] : []) : [dim]));
}
