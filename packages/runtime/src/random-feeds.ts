import { makeTensor, zeros } from "./dtype-arrays.js";
import { bfloat16Bits, float16Bits } from "./float-bits.js";
import { elementCount, type Sample, type Tensor, type TensorData, type ValueInfo } from "./tensor.js";

/** Options of {@link randomFeeds}. */
export interface RandomFeedsOptions {
  /** Integer in [0, 2³²); the same seed gives the same feeds on every machine. @default 0 */
  readonly seed?: number;
  /** Sizes for symbolic dims, by name. @default {} */
  readonly dims?: Readonly<Record<string, number>>;
}

/** Convolutional models halve their images up to five times, so this is the smallest size that all of them take. */
const OPEN_SIZE = 32;

/**
 * A synthetic feed for a smoke run, where there are no samples: it says whether a model runs, and nothing about quality.
 *
 * Open sizes are 1 on the first axis and 32 elsewhere, unless `dims` names them. Floats are close to normal(0, 1); integers
 * and bools are 0 or 1, which every vocabulary, token type and flag accepts, and only 1 where the input's name holds
 * "mask", so that nothing is masked out; texts are "0" or "1".
 */
export function randomFeeds(inputs: readonly ValueInfo[], options: RandomFeedsOptions = {}): Sample {
  const next = uniform(options.seed ?? 0);
  return Object.fromEntries(inputs.map((info) => [info.name, randomTensor(info, options.dims ?? {}, next)]));
}

function randomTensor(info: ValueInfo, sizes: Readonly<Record<string, number>>, next: () => number): Tensor {
  const dims = info.dims.map((dim, axis) => {
    if (typeof dim === "number") return dim;
    const named = dim !== null && Object.hasOwn(sizes, dim) ? sizes[dim] : undefined;
    return named ?? (axis === 0 ? 1 : OPEN_SIZE);
  });
  const mask = /mask/i.test(info.name);
  const bit = () => (mask || next() < 0.5 ? 1 : 0);
  return makeTensor(info.dtype, dims, randomData(info.dtype, elementCount(dims), bit, next));
}

function randomData(
  dtype: Tensor["dtype"],
  length: number,
  bit: () => number,
  next: () => number,
): TensorData[Tensor["dtype"]] {
  if (dtype === "string") return Array.from({ length }, () => String(bit()));
  const data = zeros(dtype, length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return data.map(() => BigInt(bit()));
  const numbers = data as Float64Array;
  if (dtype === "float32" || dtype === "float64") return numbers.map(() => bellShaped(next));
  if (dtype === "float16") return numbers.map(() => float16Bits(bellShaped(next)));
  if (dtype === "bfloat16") return numbers.map(() => bfloat16Bits(bellShaped(next)));
  return numbers.map(bit);
}

/** Twelve uniform numbers less 6: mean 0, variance 1, by additions alone, so that no engine's `Math.log` can differ. */
function bellShaped(next: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += next();
  return sum;
}

/** Mulberry32: 32 bits of state, uniform in [0, 1). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
