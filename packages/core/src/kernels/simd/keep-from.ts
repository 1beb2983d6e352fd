import type { FoundEntries } from "../found-entries.js";
import type { KeyInterval } from "../primitives.js";
import { keepFrom as keepRest } from "../typescript/keep-from.js";
import { type SimdModule, TILE_LENGTH } from "./simd-module.js";

/** {@link Primitives.keepFrom}: whole vectors of 16 in tiles, the up to 15 entries after them in TypeScript. */
export function keepFrom(
  { run, tile, bits: tileBits, foundIndices, foundKeys }: SimdModule,
  values: Float32Array,
  interval: KeyInterval,
  bits: Uint8Array,
  out: Float32Array | undefined,
  found: FoundEntries,
): number {
  const vectors = values.length & ~15;
  let kept = 0;
  for (let start = 0; start < vectors; start += TILE_LENGTH) {
    const count = Math.min(TILE_LENGTH, vectors - start);
    tile.set(values.subarray(start, start + count));
    // Found entries in the upper half, as an unsigned number, and kept ones in the lower.
    const result = run.keepFrom(count, interval.from - 1, interval.to - 1, start);
    bits.set(tileBits.subarray(0, count >>> 3), start >>> 3);
    out?.set(tile.subarray(0, count), start);
    const foundHere = result >>> 16;
    if (foundHere > 0) found.addAll(foundIndices.subarray(0, foundHere), foundKeys.subarray(0, foundHere));
    kept += result & 0xffff;
  }
  if (vectors === values.length) return kept;
  const rest = values.subarray(vectors);
  return kept + keepRest(rest, interval, bits.subarray(vectors >>> 3), out?.subarray(vectors), found, vectors);
}
