import { describe, expect, it } from "vitest";
import { sampleSize } from "./guess-interval.js";
import type { Kernels } from "./kernels.js";
import { groupOf, sampleOf } from "./selection-group.js";
import { simdKernels } from "./simd/simd-kernels.js";
import { typescriptKernels } from "./typescript/typescript-kernels.js";

/** Arrays of more than one tile (2^15 entries), large enough to be sampled, and data that lead the sample astray. */

const implementations: [string, Kernels][] = [
  ["typescript", typescriptKernels],
  ["simd", simdKernels()!],
];

function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

function kept(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3]! >> (index & 7)) & 1) === 1;
}

/** All that "exactly the smallest, lower index first" means, without sorting. */
function expectSmallestPruned(values: Float32Array, count: number, bits: Uint8Array): void {
  let pruned = 0;
  let largestPruned = -1;
  let lastPrunedTie = -1;
  for (let index = 0; index < values.length; index++) {
    if (kept(bits, index)) continue;
    pruned++;
    const magnitude = Math.abs(values[index]!);
    if (magnitude >= largestPruned) {
      largestPruned = magnitude;
      lastPrunedTie = index;
    }
  }
  expect(pruned).toBe(count);
  const wronglyKept = values.findIndex((value, index) => {
    const magnitude = Math.abs(value);
    return kept(bits, index) && (magnitude < largestPruned || (magnitude === largestPruned && index < lastPrunedTie));
  });
  expect(wronglyKept).toBe(-1);
  if ((values.length & 7) !== 0) expect(bits.at(-1)! >> (values.length & 7)).toBe(0);
}

function expectApplied(values: Float32Array, bits: Uint8Array, out: Float32Array): void {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  const outWords = new Int32Array(out.buffer, out.byteOffset, out.length);
  expect(words.findIndex((word, index) => outWords[index] !== (kept(bits, index) ? word : 0))).toBe(-1);
}

const LENGTH = 70_003;
const random = noise(LENGTH, 1);
const half = Math.floor(LENGTH / 2);

/** A weight whose larger half was kept, so that half of the entries are zero. */
const median = random.map(Math.abs).sort()[half]!;
const prunedBefore = random.map((value) => (Math.abs(value) < median ? 0 : value));

const distributions: Record<string, Float32Array> = {
  random,
  "all equal": new Float32Array(LENGTH).fill(0.25),
  "all zero": new Float32Array(LENGTH),
  "zeros where it was pruned before": prunedBefore,
  rising: Float32Array.from({ length: LENGTH }, (_, index) => index),
  falling: Float32Array.from({ length: LENGTH }, (_, index) => -(LENGTH - index)),
  "sixteen levels": random.map((value) => Math.round(value * 8) / 8),
  "256 levels": random.map((value) => Math.round(value * 128) / 128),
  subnormal: random.map((value) => value * 2 ** -130),
  "nearly all zero": random.map((value, index) => (index % 1000 === 0 ? value : 0)),
  "one value and a few others": random.map((value, index) => (index % 30_000 === 7 ? value * 1e-3 : 0.5)),
  "as the sample says in no way": misleading(),
};

/** Entries that the sample takes are large, all others are small. */
function misleading(): Float32Array {
  const values = random.map((value) => value * 1e-3);
  // An array that holds its own indices tells which entries a sample takes.
  const indices = new Float32Array(Int32Array.from({ length: LENGTH }, (_, index) => index).buffer);
  const group = groupOf(indices, new Uint8Array(0), undefined);
  for (const index of sampleOf(group, sampleSize(LENGTH))) values[index]! *= 1e6;
  return values;
}

describe.each(implementations)("kernels in %s, on large arrays", (_, kernels) => {
  describe.each(Object.entries(distributions))("%s", (_, values) => {
    const zeros = values.filter((value) => value === 0).length;
    const counts = [...new Set([0, 1, half, half + 1, zeros, LENGTH - 1, LENGTH])];

    it("prunes exactly the smallest and copies the others, for all and for no entries and between", () => {
      for (const count of counts) {
        const bits = new Uint8Array(Math.ceil(LENGTH / 8)).fill(255);
        const out = new Float32Array(LENGTH).fill(-7);
        kernels.selectAndApply(values, count, bits, out);
        expectSmallestPruned(values, count, bits);
        expectApplied(values, bits, out);
      }
    });

    it("prunes the same entries of it in pieces", () => {
      const borders = [0, 40_000, 40_000, LENGTH];
      const pieces = [0, 1, 2].map((index) => values.slice(borders[index], borders[index + 1]).map(Math.abs));
      const bits = pieces.map((piece) => new Uint8Array(Math.ceil(piece.length / 8)).fill(255));
      kernels.selectSmallestAcross(
        pieces.map((piece) => piece.length),
        (index) => pieces[index]!.slice(),
        half,
        (index) => bits[index]!,
      );
      const whole = new Uint8Array(Math.ceil(LENGTH / 8)).fill(255);
      kernels.selectSmallest(values.map(Math.abs), half, whole);
      expect(Uint8Array.of(...bits[0]!, ...bits[2]!)).toEqual(whole);
    });
  });

  it.each([
    ["a tile less one", 32_767],
    ["a tile", 32_768],
    ["a tile and one", 32_769],
    ["a tile and a vector and one", 32_785],
    ["two tiles", 65_536],
  ])("selects in %s", (_, length) => {
    const values = noise(length, 3);
    const bits = new Uint8Array(Math.ceil(length / 8)).fill(255);
    const out = new Float32Array(length).fill(-7);
    kernels.selectAndApply(values, length >> 1, bits, out);
    expectSmallestPruned(values, length >> 1, bits);
    expectApplied(values, bits, out);
  });

  it.each([
    ["2:4 of consecutive entries over tiles", 1, 40_004, 1, 2, 4],
    ["4:8 of consecutive entries over tiles", 1, 40_008, 1, 4, 8],
    ["3:5 of consecutive entries over tiles", 1, 40_005, 1, 3, 5],
    ["2:4 of columns, whole rows in a tile", 3, 16, 1000, 2, 4],
    ["2:4 of columns, blocks as large as a tile", 1, 8, 8192, 2, 4],
    ["2:4 of columns, blocks that start within a byte", 3, 8, 4097, 2, 4],
    ["2:4 of columns, rows longer than a tile", 1, 8, 9001, 2, 4],
    ["4:8 of columns, rows longer than a tile", 2, 8, 4099, 4, 8],
    ["32:64 of columns, rows longer than a tile", 1, 64, 1025, 32, 64],
    ["2:4 of the nine positions of a kernel", 300, 16, 9, 2, 4],
  ])("keeps %s", (_, outer, k, inner, n, m) => {
    // One decimal: ties in most groups.
    const values = noise(outer * k * inner, 5).map((value) => Math.round(value * 10) / 10);
    const bits = new Uint8Array(Math.ceil(values.length / 8)).fill(255);
    kernels.nmMask(values, outer, k, inner, n, m, bits);
    expectGroups(values, inner, n, m, bits);
    const again = new Uint8Array(bits.length).fill(255);
    const out = new Float32Array(values.length).fill(-7);
    kernels.nmMaskAndApply(values, outer, k, inner, n, m, again, out);
    expect(again).toEqual(bits);
    expectApplied(values, bits, out);
    const inPlace = values.slice();
    kernels.nmMaskAndApply(inPlace, outer, k, inner, n, m, again.fill(255), inPlace);
    expect(again).toEqual(bits);
    expectApplied(values, bits, inPlace);
  });

  it("selects and applies in place", () => {
    const bits = new Uint8Array(Math.ceil(LENGTH / 8));
    kernels.selectSmallest(random.map(Math.abs), half, bits);
    const selected = random.slice();
    const selectedBits = new Uint8Array(bits.length);
    kernels.selectAndApply(selected, half, selectedBits, selected);
    expect(selectedBits).toEqual(bits);
    expectApplied(random, bits, selected);
    const applied = random.slice();
    kernels.applyMaskBits(applied, bits, applied);
    expectApplied(random, bits, applied);
  });

  it("works on views at any offset of a larger buffer, and leaves the rest of it alone", () => {
    const values = noise(50_003, 9);
    const bits = new Uint8Array(7000).fill(255);
    const out = new Float32Array(50_003).fill(-7);
    const length = 49_992;
    kernels.nmMaskAndApply(
      values.subarray(3, 3 + length),
      1,
      length,
      1,
      2,
      4,
      bits.subarray(5, 5 + length / 8),
      out.subarray(1, 1 + length),
    );
    expectGroups(values.slice(3, 3 + length), 1, 2, 4, bits.slice(5));
    expectApplied(values.slice(3, 3 + length), bits.slice(5), out.slice(1, 1 + length));
    expect([out[0], out[1 + length], bits[4], bits[5 + length / 8]]).toEqual([-7, -7, 255, 255]);
  });

  it("keeps exactly N of M for every N and M up to 64", () => {
    for (let m = 2; m <= 64; m++) {
      const values = noise(6 * m, m).map((value) => Math.round(value * 20) / 20);
      const bits = new Uint8Array(Math.ceil(values.length / 8));
      for (let n = 1; n < m; n++) {
        for (const inner of [1, 2, 6]) {
          kernels.nmMask(values, 1, values.length / inner, inner, n, m, bits);
          expectGroups(values, inner, n, m, bits);
        }
      }
    }
  });
});

/** Exactly n of every m are kept, and no pruned member beats a kept one. */
function expectGroups(values: Float32Array, inner: number, n: number, m: number, bits: Uint8Array): void {
  let wrong = -1;
  for (let block = 0; block < values.length; block += m * inner) {
    for (let first = block; first < block + inner; first++) {
      const group = Array.from({ length: m }, (_, member) => first + member * inner);
      const keeps = group.filter((index) => kept(bits, index));
      const losers = group.filter((index) => !kept(bits, index));
      const beats = (a: number, b: number): boolean => {
        const [x, y] = [Math.abs(values[a]!), Math.abs(values[b]!)];
        return x > y || (x === y && a > b);
      };
      const weakest = keeps.reduce((a, b) => (beats(a, b) ? b : a));
      if (keeps.length !== n || losers.some((loser) => beats(loser, weakest))) wrong = first;
    }
  }
  expect(wrong).toBe(-1);
}
