import type { Cut } from "../cut.js";
import { cutOf as cutOfLarger } from "../typescript/cut-of.js";
import { type SimdModule, TILE_LENGTH } from "./simd-module.js";

/** The key of Infinity: all finite values are below. */
const INFINITE = 0x7f800000;

/**
 * {@link Primitives.cutOf}, by bisection: counting the entries up to a key is so fast within the tile that some twenty
 * counts cost less than one histogram. Most end early, at any key that leaves exactly `count` entries below.
 */
export function cutOf({ run, tile }: SimdModule, values: Float32Array, count: number): Cut {
  if (values.length > TILE_LENGTH) return cutOfLarger(values, count);
  const padded = (values.length + 15) & ~15;
  tile.set(values);
  tile.fill(Number.POSITIVE_INFINITY, values.length, padded);
  let from = 0;
  let to = INFINITE;
  let below = 0;
  let upTo = values.length;
  while (to - from > 1) {
    const middle = (from + to) >>> 1;
    const counted = run.countUpTo(padded, middle - 1);
    if (counted === count) return { from: middle - 1, to: middle, rank: 1, population: 1 };
    if (counted < count) {
      from = middle;
      below = counted;
    } else {
      to = middle;
      upTo = counted;
    }
  }
  return { from, to, rank: count - below, population: upTo - below };
}
