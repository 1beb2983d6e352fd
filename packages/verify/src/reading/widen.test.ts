import { describe, expect, it } from "vitest";
import { type BitTensor, keptIndices, narrowedAxes, shareNear, widened } from "./widen.js";

const bitsOf = (dims: readonly number[], values: readonly number[]): BitTensor => {
  return { bits: new Uint32Array(Float32Array.from(values).buffer), dims };
};
const valuesOf = (bits: BitTensor["bits"]): number[] => [...new Float32Array(bits.buffer)];

// rows × columns, each number once but 7
const ORIGINAL = bitsOf([3, 4], [1, 2, 3, 7, 4, 5, 6, 7, 8, 9, 10, 11]);

describe("narrowedAxes", () => {
  it("are those with fewer indices, of tensors of one rank", () => {
    expect(narrowedAxes([3, 4], [2, 4])).toEqual([0]);
    expect(narrowedAxes([3, 4], [1, 2])).toEqual([0, 1]);
    expect(narrowedAxes([3, 4], [3, 4])).toBeUndefined();
    expect(narrowedAxes([3, 4], [2, 5])).toBeUndefined();
    expect(narrowedAxes([12], [3, 4])).toBeUndefined();
  });
});

describe("keptIndices", () => {
  it("tells rows and columns at once, also where pruned entries are zero", () => {
    // rows 0 and 2, columns 1 and 3; 9 was pruned
    const found = bitsOf([2, 2], [2, 7, 0, 11]);
    expect(keptIndices(ORIGINAL, found)).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it("takes a slice of zeros for the one behind", () => {
    expect(keptIndices(ORIGINAL, bitsOf([2, 4], [1, 2, 3, 7, 0, 0, 0, 0]))).toEqual([[0, 1], undefined]);
  });

  it("says nothing where a slice has only numbers that are there twice, or not at all", () => {
    expect(keptIndices(ORIGINAL, bitsOf([3, 1], [7, 7, 0]))).toBeUndefined();
    expect(keptIndices(ORIGINAL, bitsOf([2, 4], [1, 2, 3, 7, 4.5, 5.5, 6.5, 7.5]))).toBeUndefined();
  });

  it("says nothing where slices do not ascend, or no place is left behind one", () => {
    expect(keptIndices(ORIGINAL, bitsOf([2, 4], [8, 9, 10, 11, 1, 2, 3, 7]))).toBeUndefined();
    expect(keptIndices(ORIGINAL, bitsOf([2, 4], [8, 9, 10, 11, 0, 0, 0, 0]))).toBeUndefined();
  });

  it("goes by most numbers of a slice, so that one that moved into another place changes nothing", () => {
    expect(keptIndices(ORIGINAL, bitsOf([1, 4], [4, 5, 6, 1]))).toEqual([[1], undefined]);
  });
});

describe("widened", () => {
  it("puts entries at the kept indices and leaves the others as they are", () => {
    const background = bitsOf([3, 4], Array<number>(12).fill(-1));
    const bits = widened(background, bitsOf([2, 2], [2, 7, 9, 11]), [
      [0, 2],
      [1, 3],
    ]);
    expect(valuesOf(bits)).toEqual([-1, 2, -1, 7, -1, -1, -1, -1, -1, 9, -1, 11]);
  });
});

describe("shareNear", () => {
  it("counts numbers of the same sign and about the same size; zeros are not looked at", () => {
    // 1.9 for 1 and 4.1 for 2 are within a power of two of each other, −3 is of another sign, 40 is too large for 7
    const found = bitsOf([1, 4], [1.9, 4.1, -3, 40]);
    expect(shareNear(ORIGINAL, found, [[0], undefined])).toBe(0.5);
    expect(shareNear(ORIGINAL, bitsOf([1, 4], [1, 0, 0, 0]), [[0], undefined])).toBe(1);
  });
});
