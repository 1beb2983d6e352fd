/** Number of set bits of a non-negative 32-bit integer. */
export function bitCount(bits: number): number {
  let found = 0;
  for (let rest = bits; rest > 0; rest &= rest - 1) found++;
  return found;
}
