/** Bits of a distance. */
export type GapBits = 4 | 8;

/**
 * The positions that a gap list visits: those of the non-zeros, and zeros between them where a distance would not fit; at
 * least one, and with 4 bits an even number, because two share a byte.
 *
 * @param indices of the non-zeros, ascending
 * @param total number of elements, at least 1
 * @returns ascending; undefined when there is no zero left that could make the number even
 */
export function gapEntries(indices: Uint32Array, total: number, bits: GapBits): Uint32Array | undefined {
  const reach = 2 ** bits - 1;
  const entries = new Uint32Array(entryCount(indices, reach) + 2);
  let used = 0;
  let last = 0;
  for (const index of indices) {
    while (index - last > reach) entries[used++] = last += reach;
    entries[used++] = last = index;
  }
  const isEven = bits === 8 || used % 2 === 0;
  if (used > 0 && isEven) return entries.subarray(0, used);
  if (used === 0) return bits === 8 ? entries.subarray(0, 1) : firstTwo(total);
  return withOneMore(entries.subarray(0, used + 1), total);
}

/** The distances of positions, each from the one before it and the first from 0, packed with the first in the lowest bits. */
export function packedGaps(entries: Uint32Array, bits: GapBits): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((entries.length * bits) / 8);
  let last = 0;
  for (let at = 0; at < entries.length; at++) {
    const distance = entries[at]! - last;
    last = entries[at]!;
    if (bits === 8) bytes[at] = distance;
    else bytes[at >>> 1]! |= distance << ((at & 1) * 4);
  }
  return bytes;
}

function entryCount(indices: Uint32Array, reach: number): number {
  let entries = 0;
  let last = 0;
  for (const index of indices) {
    entries += Math.max(1, Math.ceil((index - last) / reach));
    last = index;
  }
  return entries;
}

function firstTwo(total: number): Uint32Array | undefined {
  return total < 2 ? undefined : Uint32Array.of(0, 1);
}

/** Adds one position that is not there yet: the first that can be put in. The last place of `entries` is free. */
function withOneMore(entries: Uint32Array, total: number): Uint32Array | undefined {
  const used = entries.length - 1;
  let at = 0;
  while (at < used && entries[at] === at) at++;
  if (at === total) return undefined;
  // Positions 0 … at−1 are all there, so that `at` is a zero, one step behind the position before it.
  entries.copyWithin(at + 1, at, used);
  entries[at] = at;
  return entries;
}
