import { CoreError } from "../errors.js";

/** Bit positions are 32-bit integers. */
const MAX_LENGTH = 2 ** 32 - 1;

/**
 * Which entries of a weight stay: one bit per entry in the order of the weight's buffer, least significant bit first,
 * 1 = keep. Immutable by contract: nothing in this package writes into a mask, and every operation returns a new one.
 */
export class Mask {
  /** Number of entries. */
  readonly length: number;
  /** `⌈length / 8⌉` bytes: entry i is bit i & 7 of byte i >> 3; the unused high bits of the last byte are 0. */
  readonly bits: Uint8Array;

  private constructor(length: number, bits: Uint8Array) {
    this.length = length;
    this.bits = bits;
  }

  /**
   * A mask with a copy of these bits.
   *
   * @throws {CoreError} `shape-mismatch` when `bits` is not `⌈length / 8⌉` bytes; `invalid-argument` when an unused high
   * bit is set, or `length` is no integer in [0, 2³²)
   */
  static fromBits(length: number, bits: Uint8Array): Mask {
    return Mask.adopt(length, bits.slice());
  }

  /**
   * The same over these very bits, for those who made them and never write into them again: a second copy of the masks of a
   * large model takes tens of megabytes.
   *
   * @throws {CoreError} what {@link Mask.fromBits} throws
   */
  static adopt(length: number, bits: Uint8Array): Mask {
    requireLength(length);
    if (bits.length !== bytesFor(length)) {
      throw new CoreError(
        "shape-mismatch",
        `${bits.length} bytes of mask bits, expected ${bytesFor(length)} for ${length} entries`,
      );
    }
    if ((length & 7) !== 0 && bits[bits.length - 1]! >> (length & 7) !== 0) {
      throw new CoreError("invalid-argument", `the mask has bits beyond its ${length} entries, expected zeros there`);
    }
    return new Mask(length, bits);
  }

  /** A mask of these decisions: `true` or 1 keeps, `false` or 0 prunes. */
  static from(keep: ArrayLike<boolean | number>): Mask {
    return Mask.where(keep.length, (index) => Boolean(keep[index]));
  }

  /** The mask that keeps what is not zero; −0 is zero, NaN is not. */
  static ofNonZeros(values: ArrayLike<number>): Mask {
    return Mask.where(values.length, (index) => values[index] !== 0);
  }

  /** The mask of `length` entries that prunes nothing. */
  static keepAll(length: number): Mask {
    return Mask.where(length, () => true);
  }

  private static where(length: number, keeps: (index: number) => boolean): Mask {
    requireLength(length);
    const bits = new Uint8Array(bytesFor(length));
    for (let index = 0; index < length; index++) if (keeps(index)) bits[index >>> 3]! |= 1 << (index & 7);
    return new Mask(length, bits);
  }

  /** Whether the entry at a buffer index stays; false outside the mask. */
  keeps(index: number): boolean {
    return ((this.bits[index >>> 3]! >> (index & 7)) & 1) === 1;
  }
}

function bytesFor(length: number): number {
  return Math.ceil(length / 8);
}

function requireLength(length: number): void {
  if (Number.isInteger(length) && length >= 0 && length <= MAX_LENGTH) return;
  throw new CoreError("invalid-argument", `a mask of ${length} entries, expected an integer in [0, 2^32)`);
}
