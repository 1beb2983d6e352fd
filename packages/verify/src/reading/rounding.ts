import { forEachEntry } from "@espalier/core";
import {
  dtypeName,
  elementCount,
  type Model,
  type PrunableWeight,
  type TensorProto,
  tensorValues,
} from "@espalier/onnx";

/** How the numbers of a weight were rounded to be stored. */
export interface Rounding {
  readonly type: "float16" | "int8";
  /** How far an entry may be from what it was before. */
  readonly bound: (original: number, outChannel: number) => number;
  /** The bound in words. */
  readonly limit: string;
}

/** Entries of a weight in buffer order. */
type Values = Float32Array | Float64Array;

/** Float32 arithmetic that turns integers into numbers: three roundings to 24 bits, and room for a scale that was rounded itself. */
const ARITHMETIC = 2 ** -20;

/** Values that are multiples of a step are so to within float32's rounding of 8-bit multiples. */
const OFF_GRID = 2 ** -10;

/** 8-bit integers, less a zero point. */
const LARGEST_INTEGER = 255;

/**
 * What kind of rounding a weight's encoding allows, seen from the numbers that it is decoded from and to: undefined where
 * entries are stored as they are, so that they must be bit for bit what they were.
 *
 * `float16` takes enough stored halves and nothing but halves coming out. `int8` takes enough stored 8-bit integers, and
 * entries that are multiples, −255 … 255, of one step for each out channel or for all. A step is one of the stored scales, or
 * 1/127 of the largest entry. Integers may also be an index: 32-bit values that were touched do not lie on such a grid.
 *
 * @param values entries as they are decoded
 * @param constants tensors of the judged model that they are decoded from
 */
export function roundingOf(
  weight: PrunableWeight,
  values: Values,
  judged: Model,
  constants: readonly TensorProto[],
): Rounding | undefined {
  let nonZeros = 0;
  for (const value of values) if (value !== 0) nonZeros++;
  const stores = (...types: readonly string[]): boolean => {
    const some = constants.filter(({ dataType }) => types.includes(dtypeName(dataType)));
    return some.length > 0 && some.reduce((sum, tensor) => sum + elementCount(tensor), 0) >= nonZeros;
  };
  if (stores("float16") && values.every(isHalf)) return HALF;
  if (!stores("int8", "uint8")) return undefined;
  for (const steps of stepCandidates(weight, values, judged, constants)) {
    if (isOnGrid(weight, values, steps)) return onGrid(steps);
  }
  return undefined;
}

function onGrid(steps: Float64Array): Rounding {
  return {
    type: "int8",
    bound: (original, channel) => steps[channel]! / 2 + Math.abs(original) * ARITHMETIC,
    limit: "half a step of its out channel",
  };
}

const HALF: Rounding = Object.freeze({
  type: "float16",
  bound: (original: number) => Math.max(Math.abs(original) * 2 ** -11, 2 ** -25),
  limit: "half a unit in the last of float16's 11 bits",
});

const bits = new Uint32Array(1);
const single = new Float32Array(bits.buffer);

function isHalf(value: number): boolean {
  const size = Math.abs(value);
  if (size > 65504) return false;
  if (size < 2 ** -14) return Number.isInteger(size * 2 ** 24);
  single[0] = value;
  return single[0] === value && (bits[0]! & 0x1fff) === 0;
}

/** Steps for each out channel, the likeliest first. */
function* stepCandidates(
  weight: PrunableWeight,
  values: Values,
  judged: Model,
  constants: readonly TensorProto[],
): Generator<Float64Array> {
  const { outChannels } = weight;
  for (const tensor of constants) {
    const count = elementCount(tensor);
    if ((count !== 1 && count !== outChannels) || !FLOATS.includes(dtypeName(tensor.dataType))) continue;
    const scales = tensorValues(judged, tensor);
    yield Float64Array.from({ length: outChannels }, (_, channel) => Math.abs(scales[count === 1 ? 0 : channel]!));
  }
  const largest = new Float64Array(outChannels);
  forEachEntry(weight, (index, channel) => {
    largest[channel] = Math.max(largest[channel]!, Math.abs(values[index]!));
  });
  yield largest.map((one) => one / 127);
  yield largest.map(() => largest.reduce((a, b) => Math.max(a, b), 0) / 127);
}

const FLOATS: readonly string[] = ["float32", "float64", "float16", "bfloat16"];

function isOnGrid(weight: PrunableWeight, values: Values, steps: Float64Array): boolean {
  let isOn = true;
  forEachEntry(weight, (index, channel) => {
    const value = values[index]!;
    if (value === 0) return;
    const multiple = value / steps[channel]!;
    const integer = Math.round(multiple);
    // Zero times a step is no rounding of this value: of a step that is large enough, all values would be.
    isOn &&= integer !== 0 && Math.abs(multiple - integer) <= OFF_GRID && Math.abs(integer) <= LARGEST_INTEGER;
  });
  return isOn;
}

/** How far the entries of a weight are from what they were. */
export interface RoundingAudit {
  /** The largest distance of an entry that is not zero. */
  readonly largest: number;
  /** How many of those are further off than rounding moves them, and the buffer index of the first; -1 without any. */
  readonly beyond: number;
  readonly first: number;
  readonly bound: number;
}

/** Compares the entries that are not zero with what they were. */
export function auditRounded(weight: PrunableWeight, was: Values, is: Values, rounding: Rounding): RoundingAudit {
  const audit = { largest: 0, beyond: 0, first: -1, bound: 0 };
  forEachEntry(weight, (index, channel) => {
    if (is[index] === 0) return;
    const distance = Math.abs(is[index]! - was[index]!);
    const bound = rounding.bound(was[index]!, channel);
    audit.largest = Math.max(audit.largest, distance);
    if (distance <= bound) return;
    audit.beyond++;
    if (audit.first < 0 || index < audit.first) Object.assign(audit, { first: index, bound });
  });
  return audit;
}
