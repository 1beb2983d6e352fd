// The SIMD kernels, in AssemblyScript. `npx tsx scripts/build-kernels.ts` compiles this file into
// src/kernels/kernels.wasm.ts; `tsc` never sees it.
//
// The caller copies a tile of float32 entries into TILE, calls one function, and copies entries and mask bits back out.
// Entries are compared as integers (a float32 without its sign bit orders like its magnitude) and are only ever kept
// bit for bit or replaced by +0. Magnitudes come from f32x4.abs, because V8 keeps that constant in memory and would
// build an integer constant anew in every round of a loop. The memory map is repeated in src/kernels/simd-module.ts.

/** Four groups side by side: for each of up to 64 members the vector of their keys, ... */
const KEYS: usize = 0x400;
/** ... and the vector that says which to keep. */
const KEEP: usize = 0x800;
/** Mask bits of the tile, then room for the padding of rows that start at any bit. */
const BITS: usize = 0x1000;
/** The tile itself: up to 2^15 entries of 4 bytes. */
const TILE: usize = 0x4000;
/** Entries found by `keepFrom`: their indices, and FOUND_KEYS bytes later their keys; 4 bytes each, up to 2^15 of them. */
const FOUND: usize = 0x24000;
const FOUND_KEYS: usize = 0x20000;
/** Runs of 16 entries with something to find: the first one's place in the tile and 16 bits, 8 bytes for each run. */
const RUNS: usize = 0x64000;

// @ts-ignore: decorator
@inline
function maskOf16(a: v128, b: v128, c: v128, d: v128): i32 {
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** ORs up to 8 mask bits into memory that was zero, at any bit position. */
// @ts-ignore: decorator
@inline
function putBits(position: i32, some: i32): void {
  const address = BITS + (position >>> 3);
  store<u16>(address, load<u16>(address) | (some << (position & 7)));
}

/**
 * Keeps entries whose key (the bits without the sign) is above `below`, writes +0 over the others, and lists index and key
 * of the kept ones whose key is not above `last` at FOUND. `count` is a multiple of 16; indices start at `base`.
 * Returns how many were found << 16 | how many were kept.
 */
export function keepFrom(count: i32, below: i32, last: i32, base: i32): i32 {
  const belowKey = i32x4.splat(below);
  const lastKey = i32x4.splat(last);
  let kept = 0;
  let runs: usize = RUNS;
  let bits: usize = BITS;
  let tile: usize = TILE;
  for (const end = tile + (count << 2); tile < end; tile += 64, bits += 2) {
    const v0 = v128.load(tile);
    const v1 = v128.load(tile, 16);
    const v2 = v128.load(tile, 32);
    const v3 = v128.load(tile, 48);
    const a0 = f32x4.abs(v0);
    const a1 = f32x4.abs(v1);
    const a2 = f32x4.abs(v2);
    const a3 = f32x4.abs(v3);
    const k0 = i32x4.gt_s(a0, belowKey);
    const k1 = i32x4.gt_s(a1, belowKey);
    const k2 = i32x4.gt_s(a2, belowKey);
    const k3 = i32x4.gt_s(a3, belowKey);
    const keep = maskOf16(k0, k1, k2, k3);
    v128.store(tile, v128.and(v0, k0));
    v128.store(tile, v128.and(v1, k1), 16);
    v128.store(tile, v128.and(v2, k2), 32);
    v128.store(tile, v128.and(v3, k3), 48);
    store<u16>(bits, keep);
    kept += popcnt(keep);
    const within =
      keep ^ maskOf16(i32x4.gt_s(a0, lastKey), i32x4.gt_s(a1, lastKey), i32x4.gt_s(a2, lastKey), i32x4.gt_s(a3, lastKey));
    store<i32>(runs, tile - TILE);
    store<i32>(runs, within, 4);
    runs += <usize>(within != 0) << 3;
  }
  return (listFound(runs, base) << 16) | kept;
}

/**
 * Lists the entries of the runs before `end`. One entry a turn, and no branch on how many a run has: those were guessed
 * wrong so often that the whole pass took a tenth longer.
 */
// @ts-ignore: decorator
@inline
function listFound(end: usize, base: i32): i32 {
  let found: usize = FOUND;
  let run: usize = RUNS;
  let within = load<i32>(run, 4);
  while (run < end) {
    const place = load<i32>(run) + (ctz(within) << 2);
    store<i32>(found, base + (place >>> 2));
    store<i32>(found, load<i32>(TILE + place) & 0x7fffffff, FOUND_KEYS);
    found += 4;
    within &= within - 1;
    const isLast = <i32>(within == 0);
    run += isLast << 3;
    within |= load<i32>(run, 4) & -isLast;
  }
  return <i32>(found - FOUND) >>> 2;
}

/** 2:4 of consecutive entries; `count` is a multiple of 16. */
export function twoOfFour(count: i32): void {
  let bits: usize = BITS;
  let tile: usize = TILE;
  for (const end = tile + (count << 2); tile < end; tile += 64, bits += 2) {
    const v0 = v128.load(tile);
    const v1 = v128.load(tile, 16);
    const v2 = v128.load(tile, 32);
    const v3 = v128.load(tile, 48);
    // Four groups at once: transposed, x0 holds the first member of each group and x3 the last.
    const low01 = i32x4.shuffle(v0, v1, 0, 4, 1, 5);
    const low23 = i32x4.shuffle(v2, v3, 0, 4, 1, 5);
    const high01 = i32x4.shuffle(v0, v1, 2, 6, 3, 7);
    const high23 = i32x4.shuffle(v2, v3, 2, 6, 3, 7);
    const x0 = f32x4.abs(i64x2.shuffle(low01, low23, 0, 2));
    const x1 = f32x4.abs(i64x2.shuffle(low01, low23, 1, 3));
    const x2 = f32x4.abs(i64x2.shuffle(high01, high23, 0, 2));
    const x3 = f32x4.abs(i64x2.shuffle(high01, high23, 1, 3));
    // On a tie the later member wins, so the first pair must be strictly greater wherever it beats the second.
    const firstLeads = i32x4.gt_s(x0, x1);
    const thirdLeads = i32x4.gt_s(x2, x3);
    const bothOfFirst = i32x4.gt_s(i32x4.min_s(x0, x1), i32x4.max_s(x2, x3));
    const someOfFirst = i32x4.gt_s(i32x4.max_s(x0, x1), i32x4.min_s(x2, x3));
    const bothOfSecond = v128.not(someOfFirst);
    const someOfSecond = v128.not(bothOfFirst);
    const k0 = v128.or(bothOfFirst, v128.and(someOfFirst, firstLeads));
    const k1 = v128.or(bothOfFirst, v128.andnot(someOfFirst, firstLeads));
    const k2 = v128.or(bothOfSecond, v128.and(someOfSecond, thirdLeads));
    const k3 = v128.or(bothOfSecond, v128.andnot(someOfSecond, thirdLeads));
    // And back.
    const lowKeep01 = i32x4.shuffle(k0, k1, 0, 4, 1, 5);
    const lowKeep23 = i32x4.shuffle(k2, k3, 0, 4, 1, 5);
    const highKeep01 = i32x4.shuffle(k0, k1, 2, 6, 3, 7);
    const highKeep23 = i32x4.shuffle(k2, k3, 2, 6, 3, 7);
    const keep0 = i64x2.shuffle(lowKeep01, lowKeep23, 0, 2);
    const keep1 = i64x2.shuffle(lowKeep01, lowKeep23, 1, 3);
    const keep2 = i64x2.shuffle(highKeep01, highKeep23, 0, 2);
    const keep3 = i64x2.shuffle(highKeep01, highKeep23, 1, 3);
    v128.store(tile, v128.and(v0, keep0));
    v128.store(tile, v128.and(v1, keep1), 16);
    v128.store(tile, v128.and(v2, keep2), 32);
    v128.store(tile, v128.and(v3, keep3), 48);
    store<u16>(bits, maskOf16(keep0, keep1, keep2, keep3));
  }
}

/** 2:4 of four columns, their members `pitch` bytes apart. Returns one byte of keep bits for each member, in its low half. */
// @ts-ignore: decorator
@inline
function twoOfFourColumns(address: usize, pitch: i32): i32 {
  const v0 = v128.load(address);
  const v1 = v128.load(address + pitch);
  const v2 = v128.load(address + pitch * 2);
  const v3 = v128.load(address + pitch * 3);
  const x0 = f32x4.abs(v0);
  const x1 = f32x4.abs(v1);
  const x2 = f32x4.abs(v2);
  const x3 = f32x4.abs(v3);
  const firstLeads = i32x4.gt_s(x0, x1);
  const thirdLeads = i32x4.gt_s(x2, x3);
  const bothOfFirst = i32x4.gt_s(i32x4.min_s(x0, x1), i32x4.max_s(x2, x3));
  const someOfFirst = i32x4.gt_s(i32x4.max_s(x0, x1), i32x4.min_s(x2, x3));
  const k0 = v128.or(bothOfFirst, v128.and(someOfFirst, firstLeads));
  const k1 = v128.or(bothOfFirst, v128.andnot(someOfFirst, firstLeads));
  // Of the second pair what is pruned is shorter to say than what is kept.
  const p2 = v128.or(bothOfFirst, v128.andnot(someOfFirst, thirdLeads));
  const p3 = v128.or(bothOfFirst, v128.and(someOfFirst, thirdLeads));
  v128.store(address, v128.and(v0, k0));
  v128.store(address + pitch, v128.and(v1, k1));
  v128.store(address + pitch * 2, v128.andnot(v2, p2));
  v128.store(address + pitch * 3, v128.andnot(v3, p3));
  const pruned = (i32x4.bitmask(p2) << 16) | (i32x4.bitmask(p3) << 24);
  return i32x4.bitmask(k0) | (i32x4.bitmask(k1) << 8) | (pruned ^ 0x0f0f0000);
}

/**
 * 2:4 down the columns of `blocks` blocks of `[4, width]` entries, width ≥ 8. The keep bits of row r start at bit
 * `bitStart + r * bitPitch`. The last columns of a width that 8 does not divide are done twice: pruning what is pruned
 * changes nothing.
 */
export function twoOfFourStrided(blocks: i32, width: i32, bitStart: i32, bitPitch: i32): void {
  const pitch = width << 2;
  let row: usize = TILE;
  for (let block = 0; block < blocks; block++, row += pitch << 2, bitStart += bitPitch << 2) {
    for (let column = 0; ; ) {
      const address = row + (column << 2);
      const keep = twoOfFourColumns(address, pitch) | (twoOfFourColumns(address + 16, pitch) << 4);
      const position = bitStart + column;
      putBits(position, keep & 0xff);
      putBits(position + bitPitch, (keep >>> 8) & 0xff);
      putBits(position + bitPitch * 2, (keep >>> 16) & 0xff);
      putBits(position + bitPitch * 3, keep >>> 24);
      if (column + 8 >= width) break;
      column = min(column + 8, width - 8);
    }
  }
}

/**
 * Fills KEEP for the groups whose entries are in KEYS: a member is kept when fewer than n others beat it. Counts are negative,
 * as comparisons yield -1. Four members at a time share the loads of the others and the turns of the loop.
 */
function rank(n: i32, m: i32): void {
  const end = KEYS + (m << 4);
  let key: usize = KEYS;
  for (; key < end; key += 16) v128.store(key, f32x4.abs(v128.load(key)));
  // Members that make the last four full beat nobody.
  for (; key & 63; key += 16) v128.store(key, i32x4.splat(-1));
  const limit = i32x4.splat(-n);
  const one = i32x4.splat(1);
  for (let own: usize = KEYS; own < end; own += 64) {
    let k0 = v128.load(own);
    let k1 = v128.load(own, 16);
    let k2 = v128.load(own, 32);
    let k3 = v128.load(own, 48);
    const c01 = i32x4.gt_s(k0, k1);
    const c02 = i32x4.gt_s(k0, k2);
    const c03 = i32x4.gt_s(k0, k3);
    const c12 = i32x4.gt_s(k1, k2);
    const c13 = i32x4.gt_s(k1, k3);
    const c23 = i32x4.gt_s(k2, k3);
    let b0 = i32x4.sub(i32x4.sub(i32x4.sub(i32x4.splat(-3), c01), c02), c03);
    let b1 = i32x4.sub(i32x4.sub(i32x4.sub(c01, i32x4.splat(2)), c12), c13);
    let b2 = i32x4.sub(i32x4.sub(i32x4.add(c02, c12), one), c23);
    let b3 = i32x4.add(i32x4.add(c03, c13), c23);
    let other: usize = KEYS;
    for (; other < own; other += 16) {
      const key = v128.load(other);
      b0 = i32x4.add(b0, i32x4.gt_s(key, k0));
      b1 = i32x4.add(b1, i32x4.gt_s(key, k1));
      b2 = i32x4.add(b2, i32x4.gt_s(key, k2));
      b3 = i32x4.add(b3, i32x4.gt_s(key, k3));
    }
    // A later member also wins a tie: its key ≥ ours is its key > ours - 1.
    k0 = i32x4.sub(k0, one);
    k1 = i32x4.sub(k1, one);
    k2 = i32x4.sub(k2, one);
    k3 = i32x4.sub(k3, one);
    for (other = own + 64; other < end; other += 16) {
      const key = v128.load(other);
      b0 = i32x4.add(b0, i32x4.gt_s(key, k0));
      b1 = i32x4.add(b1, i32x4.gt_s(key, k1));
      b2 = i32x4.add(b2, i32x4.gt_s(key, k2));
      b3 = i32x4.add(b3, i32x4.gt_s(key, k3));
    }
    v128.store(own + (KEEP - KEYS), i32x4.gt_s(b0, limit));
    v128.store(own + (KEEP - KEYS), i32x4.gt_s(b1, limit), 16);
    v128.store(own + (KEEP - KEYS), i32x4.gt_s(b2, limit), 32);
    v128.store(own + (KEEP - KEYS), i32x4.gt_s(b3, limit), 48);
  }
}

/** n:m down the columns of `blocks` blocks of `[m, width]` entries, width ≥ 4; bits as in `twoOfFourStrided`. */
export function nOfMStrided(blocks: i32, width: i32, n: i32, m: i32, bitStart: i32, bitPitch: i32): void {
  const pitch = width << 2;
  const end = KEYS + (m << 4);
  let row: usize = TILE;
  for (let block = 0; block < blocks; block++, row += pitch * m, bitStart += bitPitch * m) {
    for (let column = 0; ; ) {
      let address = row + (column << 2);
      for (let key: usize = KEYS; key < end; key += 16, address += pitch) {
        v128.store(key, v128.load(address));
      }
      rank(n, m);
      address = row + (column << 2);
      let position = bitStart + column;
      for (let key: usize = KEYS; key < end; key += 16, address += pitch, position += bitPitch) {
        const keep = v128.load(key, KEEP - KEYS);
        v128.store(address, v128.and(v128.load(address), keep));
        putBits(position, i32x4.bitmask(keep));
      }
      if (column + 4 >= width) break;
      column = min(column + 4, width - 4);
    }
  }
}

/** Copies the 4 × 4 entries whose rows start `pitch` bytes apart to rows of 16 bytes at `to`, transposed. */
function transpose(from: usize, pitch: i32, to: usize): void {
  const v0 = v128.load(from);
  const v1 = v128.load(from + pitch);
  const v2 = v128.load(from + pitch * 2);
  const v3 = v128.load(from + pitch * 3);
  const low01 = i32x4.shuffle(v0, v1, 0, 4, 1, 5);
  const low23 = i32x4.shuffle(v2, v3, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(v0, v1, 2, 6, 3, 7);
  const high23 = i32x4.shuffle(v2, v3, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(low01, low23, 0, 2));
  v128.store(to, i64x2.shuffle(low01, low23, 1, 3), 16);
  v128.store(to, i64x2.shuffle(high01, high23, 0, 2), 32);
  v128.store(to, i64x2.shuffle(high01, high23, 1, 3), 48);
}

/** ORs bits that do not cross a byte into memory that was zero. */
// @ts-ignore: decorator
@inline
function putByte(position: i32, some: i32): void {
  const address = BITS + (position >>> 3);
  store<u8>(address, load<u8>(address) | (some << (position & 7)));
}

/** n:m of consecutive entries, m a multiple of 4; bits from bit 0. Up to three groups behind the last one are pruned along. */
export function nOfMConsecutive(groups: i32, n: i32, m: i32): void {
  const pitch = m << 2;
  const end = KEYS + (m << 4);
  let first: usize = TILE;
  for (let group = 0; group < groups; group += 4, first += pitch << 2) {
    let address = first;
    for (let key: usize = KEYS; key < end; key += 64, address += 16) transpose(address, pitch, key);
    rank(n, m);
    address = first;
    for (let key: usize = KEYS; key < end; key += 64, address += 16) {
      transpose(key + (KEEP - KEYS), 16, key);
      let entry = address;
      for (let row = key; row < key + 64; row += 16, entry += pitch) {
        const keep = v128.load(row);
        v128.store(entry, v128.and(v128.load(entry), keep));
        putByte(<i32>(entry - TILE) >>> 2, i32x4.bitmask(keep));
      }
    }
  }
}

/**
 * n:m down the columns of `blocks` blocks of `[m, width]` entries, for any width (1: groups of consecutive entries); bits
 * from bit 0. Four columns are gathered at a time, from one block or several; the last one of all may be done several times.
 */
export function nOfMGathered(blocks: i32, width: i32, n: i32, m: i32): void {
  const last = blocks * width - 1;
  const end = KEYS + (m << 4);
  for (let column = 0; column <= last; column += 4) {
    for (let lane = 0; lane < 4; lane++) {
      let entry = firstEntry(min(column + lane, last), width, m);
      for (let key: usize = KEYS + (lane << 2); key < end; key += 16, entry += width) {
        store<i32>(key, load<i32>(TILE + (entry << 2)));
      }
    }
    rank(n, m);
    for (let lane = 0; lane < 4; lane++) {
      let entry = firstEntry(min(column + lane, last), width, m);
      for (let key: usize = KEYS + (lane << 2); key < end; key += 16, entry += width) {
        const address = TILE + (entry << 2);
        const keep = load<i32>(key, KEEP - KEYS);
        store<i32>(address, load<i32>(address) & keep);
        putByte(entry, keep & 1);
      }
    }
  }
}

/** The first entry of a column, counted over all blocks of `[m, width]` entries. */
function firstEntry(column: i32, width: i32, m: i32): i32 {
  return (column / width) * (m * width) + (column % width);
}

/** How many of the first `count` entries, a multiple of 16, have a key of at most `last`. */
export function countUpTo(count: i32, last: i32): i32 {
  const lastKey = i32x4.splat(last);
  let above = i32x4.splat(0);
  let tile: usize = TILE;
  for (const end = tile + (count << 2); tile < end; tile += 64) {
    const a0 = i32x4.gt_s(f32x4.abs(v128.load(tile)), lastKey);
    const a1 = i32x4.gt_s(f32x4.abs(v128.load(tile, 16)), lastKey);
    const a2 = i32x4.gt_s(f32x4.abs(v128.load(tile, 32)), lastKey);
    const a3 = i32x4.gt_s(f32x4.abs(v128.load(tile, 48)), lastKey);
    above = i32x4.add(above, i32x4.add(i32x4.add(a0, a1), i32x4.add(a2, a3)));
  }
  const pairs = i32x4.add(above, i32x4.shuffle(above, above, 2, 3, 0, 1));
  return count + i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}
