/**
 * A stream of uniform integers that a seed determines: xorshift128 of Marsaglia, seeded with splitmix32.
 *
 * @param seed any 32-bit integer
 * @returns draws an integer in [0, count), for a count below 2³²; off the uniform by at most count / 2³²
 */
export function seededIndex(seed: number): (count: number) => number {
  const split = splitmix32(seed);
  let [x, y, z, w] = [split(), split(), split(), split() | 1];
  return (count) => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return Math.floor(((w >>> 0) / 2 ** 32) * count);
  };
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}
