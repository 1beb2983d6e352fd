/** A source of pseudo-random numbers that repeats exactly for the same seed. Not for cryptography. */
export interface Random {
  /** The next uniform number in [0, 1), a multiple of 2⁻³². */
  next(): number;
  /**
   * Normally distributed numbers, mean 0 and standard deviation 1, as f32.
   *
   * @param count how many, a non-negative integer
   */
  float32(count: number): Float32Array<ArrayBuffer>;
  /**
   * The next uniform integer in [0, limit).
   *
   * @param limit an integer in [1, 2³²]
   */
  int(limit: number): number;
}

/**
 * Opens a seeded stream of numbers (mulberry32; normal numbers by Marsaglia's polar method).
 *
 * The polar method needs only `Math.log` and `Math.sqrt`: sine and cosine, which Box–Muller needs, differ in the last
 * bit between versions of V8, so seeded models would too.
 *
 * @param seed any integer; only its lower 32 bits count
 */
export function random(seed: number): Random {
  const next = uniformStream(seed);
  const normal = normalStream(next);
  return {
    next,
    float32(count) {
      const values = new Float32Array(count);
      for (let index = 0; index < count; index++) values[index] = normal();
      return values;
    },
    int: (limit) => Math.floor(next() * limit),
  };
}

function uniformStream(seed: number): () => number {
  // A typed array, because V8 would put a captured variable on the heap again at every assignment: three times slower.
  const state = Int32Array.of(seed);
  return () => {
    const position = (state[0]! + 0x6d2b79f5) | 0;
    state[0] = position;
    let mixed = Math.imul(position ^ (position >>> 15), position | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Marsaglia's method makes two numbers at a time; the second waits in `spare`, NaN when there is none. */
function normalStream(next: () => number): () => number {
  const spare = Float64Array.of(Number.NaN);
  return () => {
    const waiting = spare[0]!;
    if (!Number.isNaN(waiting)) {
      spare[0] = Number.NaN;
      return waiting;
    }
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * next() - 1;
      y = 2 * next() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    spare[0] = y * scale;
    return x * scale;
  };
}
