import { type Dim, fixed, product, type Shape, sizeOf } from "../dim.js";
import { regroup } from "../regroup.js";
import { axisOf, type Rule, type RuleInput, shapes } from "../rule.js";

/** Transpose. */
export const transpose: Rule = ({ shape, ints }) => {
  const x = shape(0);
  if (x === undefined) return [];
  const perm = ints("perm") ?? [...x.keys()].reverse();
  return perm.length === x.length ? shapes(perm.map((axis) => x[axis] ?? [])) : [];
};

/** Reshape: the same entries in the same order, so that every new axis runs over a stretch of the old ones. */
export const reshape: Rule = ({ shape, entries, int, known, symbols }) => {
  const [x, target] = [shape(0), entries(1)];
  if (x === undefined || target === undefined) return [];
  const keepsZero = int("allowzero", 0) !== 0;
  const sizes = target.values.map((dim, axis): Dim | "rest" => {
    if (sizeOf(dim) === -1) return "rest";
    return sizeOf(dim) === 0 && !keepsZero ? (x[axis] ?? [0]) : dim;
  });
  // What the axes run over cannot be told then, even where their sizes could.
  return shapes(regroup(product(...x), sizes, known) ?? sizes.map((dim) => nameless(dim, symbols)));
};

function nameless(dim: Dim | "rest", symbols: RuleInput["symbols"]): Dim {
  return dim !== "rest" && sizeOf(dim) !== undefined ? dim : symbols.fresh();
}

/** Flatten: everything before an axis, and everything from it on. */
export const flatten: Rule = ({ shape, int }) => {
  const x = shape(0);
  if (x === undefined) return [];
  const axis = int("axis", 1);
  const at = axis < 0 ? axis + x.length : axis;
  return shapes([product(...x.slice(0, at)), product(...x.slice(at))]);
};

/** Squeeze. Without axes all axes of size 1 go, which is known only where all sizes are. */
export const squeeze: Rule = (input) => {
  const x = input.shape(0);
  if (x === undefined) return [];
  const axes = axesOf(input);
  const gone = axes && new Set(axes.map((axis) => axisOf(axis, x.length)));
  if (gone === undefined && !x.every((dim) => sizeOf(dim) !== undefined)) return [];
  const shape = x.filter((dim, axis) => (gone ? !gone.has(axis) : sizeOf(dim) !== 1));
  const entries = input.entries(0);
  return [{ shape, ...(entries && { entries: { ...entries, scalar: shape.length === 0 } }) }];
};

/** Unsqueeze. */
export const unsqueeze: Rule = (input) => {
  const [x, axes] = [input.shape(0), axesOf(input)];
  if (x === undefined || axes === undefined) return [];
  const rank = x.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(axis, rank)));
  const old = x.values();
  const shape = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? fixed(1) : (old.next().value ?? [])));
  const entries = rank === 1 ? input.entries(0) : undefined;
  return [{ shape, ...(entries && { entries: { ...entries, scalar: false } }) }];
};

/** Concat: sizes add up along one axis. */
export const concat: Rule = ({ node, shape, entries, int, symbols }) => {
  const all = node.input.map((_, input) => shape(input));
  const [first] = all;
  const axis = first && axisOf(int("axis", 1), first.length);
  if (axis === undefined || !all.every((one) => one?.length === first?.length)) return [];
  const dims = all.map((one) => one![axis]!);
  const sizes = dims.map(sizeOf);
  const total = sizes.every((size) => size !== undefined)
    ? fixed(sizes.reduce((sum, size) => sum + size, 0))
    : symbols.derived("sum", dims);
  const lists = node.input.map((_, input) => entries(input));
  const values = lists.every((list) => list !== undefined) ? lists.flatMap((list) => list.values) : undefined;
  return [{ shape: first!.with(axis, total), ...(values && { entries: { values, scalar: false } }) }];
};

/** Split into equal parts, or as a list says. */
export const split: Rule = ({ node, shape, numbers, ints, int, symbols }) => {
  const x = shape(0);
  const axis = x && axisOf(int("axis", 0), x.length);
  if (x === undefined || axis === undefined) return [];
  const parts = ints("split") ?? numbers(1);
  const whole = sizeOf(x[axis]!);
  const equal = whole !== undefined && whole % node.output.length === 0 ? whole / node.output.length : undefined;
  const given = (node.input[1] ?? "") !== "";
  return node.output.map((_, index) => {
    const size = parts?.[index] ?? (given ? undefined : equal);
    return { shape: x.with(axis, size === undefined ? symbols.fresh() : fixed(size)) };
  });
};

/** Tile, Pad and others that only change sizes: axes without a change are not told from the others. */
export const resized: Rule = ({ shape, symbols }) => shapes(shape(0)?.map(() => symbols.fresh()));

/** The axes of Squeeze and Unsqueeze: an attribute, a second input since version 13; undefined where not known. */
function axesOf({ ints, numbers }: RuleInput): readonly number[] | undefined {
  return ints("axes") ?? numbers(1);
}

/** ConstantOfShape. */
export const constantOfShape: Rule = ({ entries }) => shapes(entries(0)?.values as Shape | undefined);

/** Range from 0 in steps of 1 is as long as its limit. */
export const range: Rule = ({ entries, numbers, symbols }) => {
  const [limit] = entries(1)?.values ?? [];
  const counts = numbers(0)?.[0] === 0 && numbers(2)?.[0] === 1;
  return shapes([counts && limit ? limit : symbols.fresh()]);
};
