import { applyBits as applyRest } from "../typescript/apply-bits.js";
import { type SimdModule, TILE_LENGTH } from "./simd-module.js";

/** {@link Primitives.applyBits}: whole vectors of 16 in tiles, the up to 15 entries after them in TypeScript. */
export function applyBits(
  { run, tile, bits: tileBits }: SimdModule,
  values: Float32Array,
  bits: Uint8Array,
  out: Float32Array,
): void {
  const vectors = values.length & ~15;
  for (let start = 0; start < vectors; start += TILE_LENGTH) {
    const count = Math.min(TILE_LENGTH, vectors - start);
    tile.set(values.subarray(start, start + count));
    tileBits.set(bits.subarray(start >>> 3, (start + count) >>> 3));
    run.applyBits(count);
    out.set(tile.subarray(0, count), start);
  }
  applyRest(values.subarray(vectors), bits.subarray(vectors >>> 3), out.subarray(vectors));
}
