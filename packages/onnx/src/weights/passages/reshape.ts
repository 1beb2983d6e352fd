import { reshape as cutInto, entryCount, shapeOf } from "../buffer-order.js";
import { intAttribute, intsAttribute } from "../call-frame.js";
import { MAX_RANK, type NodeReading, type TracedValue } from "../node-reading.js";
import type { Passage } from "./passage.js";

/** Reshape to a constant shape; 0 copies a dimension (unless `allowzero`), -1 stands for the rest. */
export const reshape: Passage = {
  op: "Reshape",
  inputs: ["input", "shape"],
  pass(value, reading) {
    // Before opset 5 the shape was an attribute.
    const requested = intsAttribute(reading.attributes, "shape") ?? reading.integers(1);
    if (requested === undefined) return "gives it a shape that is computed or no list of integers";
    const allowZero = intAttribute(reading.attributes, "allowzero", 0) !== 0;
    return withShape(value, resolveShape(shapeOf(value.order), requested, allowZero), requested);
  },
};

/** Flatten to two dimensions: those before `axis`, and the others. */
export const flatten: Passage = {
  op: "Flatten",
  inputs: ["input"],
  pass(value, { attributes }) {
    const shape = shapeOf(value.order);
    const axis = intAttribute(attributes, "axis", 1);
    const cut = axis < 0 ? axis + shape.length : axis;
    if (cut < 0 || cut > shape.length) return `has axis ${axis}, but the weight has ${shape.length} dimensions`;
    return withShape(value, [entryCount(shape.slice(0, cut)), entryCount(shape.slice(cut))]);
  },
};

/** Squeeze drops dimensions of size 1: those named, or all. */
export const squeeze: Passage = {
  op: "Squeeze",
  inputs: ["input", "axes"],
  pass(value, reading) {
    const shape = shapeOf(value.order);
    if (!hasAxes(reading))
      return withShape(
        value,
        shape.filter((size) => size !== 1),
      );
    const axes = namedAxes(reading, shape.length);
    if (typeof axes === "string") return axes;
    if ([...axes].some((axis) => shape[axis] !== 1)) return "removes a dimension whose size is not 1";
    return withShape(
      value,
      shape.filter((_, axis) => !axes.has(axis)),
    );
  },
};

/** Unsqueeze puts dimensions of size 1 in; `axes` count in the result. */
export const unsqueeze: Passage = {
  op: "Unsqueeze",
  inputs: ["input", "axes"],
  pass(value, reading) {
    const added = axesOf(reading)?.length ?? 0;
    const rank = value.order.length + added;
    const axes = namedAxes(reading, rank);
    if (typeof axes === "string") return axes;
    const rest = shapeOf(value.order);
    return withShape(
      value,
      Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (rest.shift() ?? 1))),
    );
  },
};

function hasAxes(reading: NodeReading): boolean {
  return reading.attributes.has("axes") || reading.has(1);
}

/** An attribute before opset 13, an input since. */
function axesOf(reading: NodeReading): readonly number[] | undefined {
  return intsAttribute(reading.attributes, "axes") ?? reading.integers(1);
}

function namedAxes(reading: NodeReading, rank: number): ReadonlySet<number> | string {
  const axes = axesOf(reading);
  if (axes === undefined) return "names dimensions by a value that is computed or no list of integers";
  if (rank > MAX_RANK) return `makes ${rank} dimensions of it, more than ${MAX_RANK}`;
  const distinct = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const valid = distinct.size === axes.length && [...distinct].every((axis) => axis >= 0 && axis < rank);
  return valid ? distinct : `names the dimensions [${axes.join(", ")}] of ${rank}`;
}

function resolveShape(shape: readonly number[], requested: readonly number[], allowZero: boolean): readonly number[] {
  const sizes = requested.map((size, axis) => (size === 0 && !allowZero ? (shape[axis] ?? 0) : size));
  const known = entryCount(sizes.filter((size) => size !== -1));
  return sizes.map((size) => (size === -1 ? entryCount(shape) / known : size));
}

function withShape(value: TracedValue, shape: readonly number[], requested = shape): TracedValue | string {
  const before = shapeOf(value.order);
  const fits = shape.length <= MAX_RANK && shape.every((size) => Number.isInteger(size) && size > 0);
  if (!fits || entryCount(shape) !== entryCount(before)) {
    return `makes [${requested.join(", ")}] of [${before.join(", ")}], which has another number of entries`;
  }
  const order = cutInto(value.order, shape);
  return order
    ? { ...value, order }
    : `cuts the transposed [${before.join(", ")}] into [${requested.join(", ")}], which mixes its axes`;
}
