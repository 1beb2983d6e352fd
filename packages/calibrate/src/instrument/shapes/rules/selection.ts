import { type Dim, fixed, type Shape, sizeOf } from "../dim.js";
import type { Entries } from "../known-value.js";
import { axisOf, type Rule, type RuleInput, shapes } from "../rule.js";

/** Larger than every size: "to the end", as exporters write it. */
const TO_THE_END = 2 ** 31 - 1;

/** Gather: the axis is replaced by the shape of the indices. */
export const gather: Rule = (input) => {
  const [x, indices] = [input.shape(0), input.shape(1)];
  const axis = x && axisOf(input.int("axis", 0), x.length);
  if (axis === undefined || indices === undefined) return [];
  const shape = [...x!.slice(0, axis), ...indices, ...x!.slice(axis + 1)];
  const entries = pick(input.entries(0), input.entries(1));
  return [{ shape, ...(entries && { entries }) }];
};

function pick(from: Entries | undefined, which: Entries | undefined): Entries | undefined {
  const indices = which?.values.map(sizeOf);
  if (from === undefined || from.scalar || !indices?.every((index) => index !== undefined)) return undefined;
  const values = indices.map((index) => from.values.at(index));
  return values.every((value) => value !== undefined) ? { values, scalar: which!.scalar } : undefined;
}

/** GatherElements, and others that take on the shape of their indices. */
export const shapeOfIndices: Rule = ({ shape }) => shapes(shape(1));

/** Slice: attributes before version 10, inputs since. */
export const slice: Rule = (input) => {
  const x = input.shape(0);
  if (x === undefined) return [];
  const cuts = cutsOf(input, x.length);
  // Only the listed axes change, so without the list nothing is known of any.
  if (cuts === undefined) return shapes(x.map(() => input.symbols.fresh()));
  let shape: Shape = x;
  for (const { axis, start, end, step } of cuts) {
    shape = shape.with(axis, slicedSize(shape[axis]!, start, end, step) ?? input.symbols.fresh());
  }
  const entries = slicedEntries(input.entries(0), cuts);
  return [{ shape, ...(entries && { entries }) }];
};

interface Cut {
  readonly axis: number;
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly step: number;
}

function cutsOf({ node, numbers, ints, opset, entries }: RuleInput, rank: number): readonly Cut[] | undefined {
  const old = opset < 10;
  const bounds = (attribute: string, input: number) => (old ? ints(attribute) : entries(input)?.values.map(sizeOf));
  const [starts, ends] = [bounds("starts", 1), bounds("ends", 2)];
  const listed = old ? ints("axes") : numbers(3);
  const hasAxes = old ? listed !== undefined : (node.input[3] ?? "") !== "";
  const steps = old || (node.input[4] ?? "") === "" ? [] : numbers(4);
  const count = starts?.length ?? listed?.length ?? ends?.length;
  const axes = hasAxes ? listed : count === undefined ? undefined : [...Array(count).keys()];
  if (axes === undefined || steps === undefined) return undefined;
  const cuts = axes.map((given, index) => {
    const axis = axisOf(given, rank);
    return { axis: axis ?? -1, start: starts?.[index], end: ends?.[index], step: steps[index] ?? 1 };
  });
  return cuts.every(({ axis }) => axis >= 0) ? cuts : undefined;
}

/** The size that a cut leaves; undefined where that depends on a size which is not known. */
function slicedSize(dim: Dim, start: number | undefined, end: number | undefined, step: number): Dim | undefined {
  if (start === undefined || end === undefined) return undefined;
  const size = sizeOf(dim);
  if (size === undefined) {
    if (step === 1 && start === 0 && end >= TO_THE_END) return dim;
    // One entry from either end, which is there unless the axis is empty.
    const single = step === 1 && (end - start === 1 && start !== -1 ? start === 0 : start === -1 && end >= TO_THE_END);
    return single ? fixed(1) : undefined;
  }
  if (step < 1) return undefined;
  const at = (bound: number) => Math.min(size, Math.max(0, bound < 0 ? bound + size : bound));
  return fixed(Math.max(0, Math.ceil((at(end) - at(start)) / step)));
}

function slicedEntries(from: Entries | undefined, cuts: readonly Cut[]): Entries | undefined {
  const [cut] = cuts;
  if (from === undefined || from.scalar || cut === undefined || cuts.length > 1) return undefined;
  if (cut.start === undefined || cut.end === undefined || cut.step !== 1) return undefined;
  return { values: from.values.slice(cut.start, cut.end), scalar: false };
}
