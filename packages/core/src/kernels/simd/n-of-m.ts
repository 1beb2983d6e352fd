import { type SimdModule, TILE_LENGTH } from "./simd-module.js";

/** {@link Primitives.nOfM} in tiles of whole blocks where they are small, of some columns of one block where they are not. */
export function nOfM(
  module: SimdModule,
  values: Float32Array,
  inner: number,
  n: number,
  m: number,
  bits: Uint8Array,
  out: Float32Array | undefined,
): void {
  const block = m * inner;
  // So many entries are whole blocks and whole bytes of the mask.
  const unit = (block * 8) / Math.min(8, block & -block);
  if (unit <= TILE_LENGTH) {
    const length = Math.floor(TILE_LENGTH / unit) * unit;
    for (let start = 0; start < values.length; start += length) {
      const end = Math.min(start + length, values.length);
      wholeBlocks(
        module,
        values.subarray(start, end),
        inner,
        n,
        m,
        bits.subarray(start >>> 3),
        out?.subarray(start, end),
      );
    }
    return;
  }
  const width = Math.min(inner, Math.floor(TILE_LENGTH / m) & ~7);
  for (let start = 0; start < values.length; start += block) {
    for (let column = 0; column < inner; column += width) {
      // The last columns overlap those before: pruning what is pruned changes nothing.
      const first = start + Math.min(column, inner - width);
      someColumns(module, values, first, width, inner, n, m, bits, out);
    }
  }
}

/** Blocks that start at a byte of the mask and fit the tile. */
function wholeBlocks(
  { run, tile, bits: tileBits }: SimdModule,
  values: Float32Array,
  inner: number,
  n: number,
  m: number,
  bits: Uint8Array,
  out: Float32Array | undefined,
): void {
  const { length } = values;
  const bytes = (length + 7) >>> 3;
  const blocks = length / (m * inner);
  const isTwoOfFour = n === 2 && m === 4;
  tile.set(values);
  if (isTwoOfFour && inner === 1) {
    run.twoOfFour((length + 15) & ~15);
  } else {
    tileBits.fill(0, 0, bytes + 1);
    if (isTwoOfFour && inner >= 8) run.twoOfFourStrided(blocks, inner, 0, inner);
    else if (inner >= 4) run.nOfMStrided(blocks, inner, n, m, 0, inner);
    else if (inner === 1 && m % 4 === 0) run.nOfMConsecutive(blocks, n, m);
    else run.nOfMGathered(blocks, inner, n, m);
  }
  bits.set(tileBits.subarray(0, bytes));
  // The last vectors may reach past the entries, into what an earlier tile left there.
  if ((length & 7) !== 0) bits[bytes - 1]! &= (1 << (length & 7)) - 1;
  out?.set(tile.subarray(0, length));
}

/** The m rows of `width` ≥ 8 columns, of a block that is too large for the tile or starts within a byte of the mask. */
function someColumns(
  { run, tile, bits: tileBits }: SimdModule,
  values: Float32Array,
  first: number,
  width: number,
  inner: number,
  n: number,
  m: number,
  bits: Uint8Array,
  out: Float32Array | undefined,
): void {
  // Rows of the tile's mask start at the same bit of a byte as they do in the mask itself.
  const bitStart = first & 7;
  const bitPitch = ((width + 15) & ~7) + (inner & 7);
  for (let row = 0, from = first; row < m; row++, from += inner) {
    tile.set(values.subarray(from, from + width), row * width);
  }
  tileBits.fill(0, 0, ((bitStart + m * bitPitch) >>> 3) + 2);
  if (n === 2 && m === 4) run.twoOfFourStrided(1, width, bitStart, bitPitch);
  else run.nOfMStrided(1, width, n, m, bitStart, bitPitch);
  for (let row = 0, to = first; row < m; row++, to += inner) {
    orBits(tileBits, bitStart + row * bitPitch, width, bits, to >>> 3);
    out?.set(tile.subarray(row * width, (row + 1) * width), to);
  }
}

/** Adds `count` bits from bit `start` of `source` to the bytes of `target` from `byte` on, the first and last of which it shares. */
function orBits(source: Uint8Array, start: number, count: number, target: Uint8Array, byte: number): void {
  const first = start >>> 3;
  const last = (start + count - 1) >>> 3;
  target[byte]! |= source[first]!;
  target.set(source.subarray(first + 1, last), byte + 1);
  target[byte + last - first]! |= source[last]!;
}
