/** Seeded float32 from a standard normal distribution (Box-Muller over a 32-bit generator). */
export function normalValues(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    // In (0, 1): the logarithm of 0 is infinite.
    return ((state >>> 8) + 0.5) / 2 ** 24;
  };
  for (let index = 0; index < length; index += 2) {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    values[index] = radius * Math.cos(angle);
    if (index + 1 < length) values[index + 1] = radius * Math.sin(angle);
  }
  return values;
}
