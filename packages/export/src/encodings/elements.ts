import type { ElementSize } from "./encoding.js";

/** Elements as integers of their size, 8-byte ones as two. Comparing and copying integers keeps the bits of NaN and of −0. */
type Words = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/**
 * Row-major indices of the elements whose bits are not all zero, ascending: −0 is among them.
 *
 * @param bytes at the start of an `ArrayBuffer`
 */
export function nonZeroIndices(bytes: Uint8Array<ArrayBuffer>, size: ElementSize): Uint32Array<ArrayBuffer> {
  const isZero = zeroTest(bytes, size);
  const count = bytes.length / size;
  const indices = new Uint32Array(countWhere(count, isZero));
  let at = 0;
  for (let index = 0; index < count; index++) if (!isZero(index)) indices[at++] = index;
  return indices;
}

/** The elements at indices, one after the other, behind `leading` zeros. */
export function elementsAt(
  bytes: Uint8Array<ArrayBuffer>,
  size: ElementSize,
  indices: Uint32Array,
  leading = 0,
): Uint8Array<ArrayBuffer> {
  const from = wordsOf(bytes, size);
  const result = new Uint8Array((leading + indices.length) * size);
  const to = wordsOf(result, size);
  const words = size === 8 ? 2 : 1;
  for (let at = 0; at < indices.length; at++) {
    const index = indices[at]!;
    for (let word = 0; word < words; word++) to[(leading + at) * words + word] = from[index * words + word]!;
  }
  return result;
}

/** Number of elements of a shape. */
export function count(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function countWhere(length: number, isZero: (index: number) => boolean): number {
  let found = 0;
  for (let index = 0; index < length; index++) found += Number(!isZero(index));
  return found;
}

/** Tells whether all bits of an element are zero. */
export function zeroTest(bytes: Uint8Array<ArrayBuffer>, size: ElementSize): (index: number) => boolean {
  const words = wordsOf(bytes, size);
  if (size === 8) return (index) => (words[2 * index]! | words[2 * index + 1]!) === 0;
  return (index) => words[index] === 0;
}

function wordsOf({ buffer, byteLength }: Uint8Array<ArrayBuffer>, size: ElementSize): Words {
  if (size === 1) return new Uint8Array(buffer, 0, byteLength);
  return size === 2 ? new Uint16Array(buffer, 0, byteLength / 2) : new Uint32Array(buffer, 0, byteLength / 4);
}
