import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Kernels } from "./kernels.js";
import { simdKernels } from "./simd/simd-kernels.js";
import { typescriptKernels } from "./typescript/typescript-kernels.js";

const SEED = 20240607;
const SUBNORMAL = 2 ** -149;
const implementations: [string, Kernels][] = [
  ["typescript", typescriptKernels],
  ["simd", simdKernels()!],
];

/** Magnitudes in order of rank: Math.abs and the index, nothing of the code under test. */
function smallestFirst(values: Float32Array, indices: number[]): number[] {
  return indices.sort((a, b) => Math.abs(values[a]!) - Math.abs(values[b]!) || a - b);
}

function bitsWithout(length: number, pruned: Iterable<number>): Uint8Array {
  const gone = new Set(pruned);
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (let index = 0; index < length; index++) if (!gone.has(index)) bits[index >> 3]! |= 1 << (index & 7);
  return bits;
}

function selected(values: Float32Array, count: number): Uint8Array {
  return bitsWithout(values.length, smallestFirst(values, [...values.keys()]).slice(0, count));
}

function nmSelected(values: Float32Array, outer: number, k: number, inner: number, n: number, m: number): Uint8Array {
  const pruned: number[] = [];
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let start = 0; start < k; start += m) {
        const group = Array.from({ length: m }, (_, member) => (o * k + start + member) * inner + i);
        pruned.push(...smallestFirst(values, group).slice(0, m - n));
      }
    }
  }
  return bitsWithout(values.length, pruned);
}

function applied(values: Float32Array, bits: Uint8Array): Float32Array {
  return values.map((value, index) => ((bits[index >> 3]! >> (index & 7)) & 1 ? value : 0));
}

/** Bits are compared, as -0 equals 0 and NaN equals nothing. */
function wordsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/** Full of ones, so that a bit or an entry that is not written shows. */
function dirtyBits(length: number): Uint8Array {
  return new Uint8Array(Math.ceil(length / 8)).fill(255);
}

function dirtyOut(length: number): Float32Array {
  return new Float32Array(length).fill(-7);
}

/** Few distinct values (ties), both zeros, subnormals, extremes, and ordinary weights. */
const entry = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.5, SUBNORMAL, -SUBNORMAL, 2 ** -127, 3.4028234663852886e38, -1e-30),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
);

function arrayOf(length: number): fc.Arbitrary<Float32Array> {
  return fc
    .oneof(fc.array(entry, { minLength: length, maxLength: length }), fc.constant(new Array<number>(length).fill(0)))
    .map((values) => Float32Array.from(values));
}

const shapes = fc
  .record({
    outer: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 5 }),
    inner: fc.constantFrom(1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 64),
    m: fc.oneof(fc.constantFrom(2, 4, 4, 8, 16), fc.integer({ min: 2, max: 64 })),
  })
  .chain(({ outer, groups, inner, m }) =>
    fc.record({
      values: arrayOf(outer * groups * m * inner),
      outer: fc.constant(outer),
      k: fc.constant(groups * m),
      inner: fc.constant(inner),
      n: fc.oneof(
        fc.constant(Math.ceil(m / 2)).map((half) => Math.min(half, m - 1)),
        fc.integer({ min: 1, max: m - 1 }),
      ),
      m: fc.constant(m),
    }),
  );

const selections = fc
  .integer({ min: 0, max: 200 })
  .chain((length) => fc.record({ values: arrayOf(length), count: fc.integer({ min: 0, max: length }) }));

describe.each(implementations)("kernels in %s", (_, kernels) => {
  describe("selectSmallest", () => {
    it("prunes exactly the smallest, the lower index first among equals", () => {
      const check = ({ values, count }: { values: Float32Array; count: number }): void => {
        const importance = values.map(Math.abs);
        const bits = dirtyBits(values.length);
        kernels.selectSmallest(importance, count, bits);
        expect(bits).toEqual(selected(importance, count));
      };
      fc.assert(fc.property(selections, check), { seed: SEED, numRuns: 300 });
    });

    it("prunes five of ten equal entries, indices 0 to 4", () => {
      const bits = dirtyBits(10);
      kernels.selectSmallest(new Float32Array(10).fill(3), 5, bits);
      expect([...bits]).toEqual([0b11100000, 0b11]);
    });

    it("tells subnormals from zero", () => {
      const bits = dirtyBits(3);
      kernels.selectSmallest(Float32Array.of(SUBNORMAL, 0, 2 * SUBNORMAL), 2, bits);
      expect([...bits]).toEqual([0b100]);
    });
  });

  describe("selectSmallestAcross", () => {
    it("ranks the entries of all arrays together, those of earlier arrays first among equals", () => {
      const parts = fc.array(fc.integer({ min: 0, max: 60 }).chain(arrayOf), { minLength: 1, maxLength: 5 });
      const check = (arrays: Float32Array[], share: number): void => {
        const joined = Float32Array.from(arrays.flatMap((array) => [...array].map(Math.abs)));
        const count = Math.floor(share * joined.length);
        const bits = arrays.map((array) => dirtyBits(array.length));
        kernels.selectSmallestAcross(
          arrays.map((array) => array.length),
          (index) => arrays[index]!.map(Math.abs),
          count,
          (index) => bits[index]!,
        );
        const expected = selected(joined, count);
        let start = 0;
        for (const [index, array] of arrays.entries()) {
          const pruned = [...array.keys()].filter(
            (at) => ((expected[(start + at) >> 3]! >> ((start + at) & 7)) & 1) === 0,
          );
          expect(bits[index]).toEqual(bitsWithout(array.length, pruned));
          start += array.length;
        }
      };
      fc.assert(fc.property(parts, fc.double({ min: 0, max: 1, noNaN: true }), check), { seed: SEED, numRuns: 200 });
    });
  });

  describe("nmMask", () => {
    it("keeps the n largest of every m entries along the middle axis, the higher index among equals", () => {
      const check = (given: {
        values: Float32Array;
        outer: number;
        k: number;
        inner: number;
        n: number;
        m: number;
      }): void => {
        const { values, outer, k, inner, n, m } = given;
        const expected = nmSelected(values, outer, k, inner, n, m);
        const bits = dirtyBits(values.length);
        kernels.nmMask(values, outer, k, inner, n, m, bits);
        expect(bits).toEqual(expected);
        const out = dirtyOut(values.length);
        kernels.nmMaskAndApply(values, outer, k, inner, n, m, bits.fill(255), out);
        expect(bits).toEqual(expected);
        expect(wordsOf(out)).toEqual(wordsOf(applied(values, expected)));
      };
      fc.assert(fc.property(shapes, check), { seed: SEED, numRuns: 400 });
    });

    it("keeps n where all are equal: the last ones", () => {
      const bits = dirtyBits(8);
      kernels.nmMask(new Float32Array(8), 1, 8, 1, 2, 4, bits);
      expect([...bits]).toEqual([0b11001100]);
    });

    it("keeps one of four for 1:4, not three", () => {
      const bits = dirtyBits(4);
      kernels.nmMask(Float32Array.of(1, -4, 3, 2), 1, 4, 1, 1, 4, bits);
      expect([...bits]).toEqual([0b0010]);
    });
  });

  describe("selectAndApply", () => {
    it("prunes by magnitude and copies what is kept bit for bit", () => {
      const check = ({ values, count }: { values: Float32Array; count: number }): void => {
        const bits = dirtyBits(values.length);
        const out = dirtyOut(values.length);
        kernels.selectAndApply(values, count, bits, out);
        expect(bits).toEqual(selected(values, count));
        expect(wordsOf(out)).toEqual(wordsOf(applied(values, bits)));
      };
      fc.assert(fc.property(selections, check), { seed: SEED, numRuns: 300 });
    });
  });

  describe("applyMaskBits", () => {
    it("writes kept entries bit for bit and +0 for the others, NaN, infinities and negative numbers included", () => {
      const values = Float32Array.of(-1, Number.NaN, Number.NEGATIVE_INFINITY, -0, SUBNORMAL, -2, Number.NaN, 5, -0);
      const odd = wordsOf(values);
      odd[1] = 0x7fa00001; // a signalling NaN with a payload
      odd[6] = 0xffc00002 | 0;
      for (const bits of [Uint8Array.of(0, 0), Uint8Array.of(255, 1), Uint8Array.of(0b01101010, 1)]) {
        const out = dirtyOut(9);
        kernels.applyMaskBits(values, bits, out);
        const expected = odd.map((word, index) => ((bits[index >> 3]! >> (index & 7)) & 1 ? word : 0));
        expect(wordsOf(out)).toEqual(expected);
      }
    });
  });
});
