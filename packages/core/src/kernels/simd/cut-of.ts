import type { Cut } from "../cut.js";
import { cutOf as cutOfLarger } from "../typescript/cut-of.js";
import { type SimdModule, TILE_LENGTH } from "./simd-module.js";

/** The key of Infinity: all finite values are below. */
const INFINITE = 0x7f800000;

/** Keys of some two powers of two lie evenly enough that a guess between them beats halving, by a quarter of all counts. */
const EVEN_RANGE = 1 << 24;
/** Guesses can close in from one side only, one key at a time; after so many counts (12 to 15 are usual) halving takes over. */
const MOST_GUESSES = 24;

/**
 * {@link Primitives.cutOf}, by narrowing a range of keys: counting the entries up to a key is so fast within the tile that
 * fifteen counts cost less than one histogram. Most ranges end early, at any key with exactly `count` entries below it.
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
  for (let counts = 0; to - from > 1; counts++) {
    const share = counts < MOST_GUESSES && to - from < EVEN_RANGE ? (count - below + 0.5) / (upTo - below + 1) : 0.5;
    const middle = Math.max(from + 1, from + Math.floor((to - from) * share));
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
