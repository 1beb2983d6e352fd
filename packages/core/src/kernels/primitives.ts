import type { Cut } from "./cut.js";
import type { FoundEntries } from "./found-entries.js";

/** The keys from `from` up to but not including `to`, `0 ≤ from ≤ to ≤ KEY_END`. */
export interface KeyInterval {
  readonly from: number;
  readonly to: number;
}

/** What an implementation provides; {@link createKernels} makes the rest of it. Bits and aliasing as in {@link Kernels}. */
export interface Primitives {
  /**
   * Keeps the entries whose key is at least `interval.from`, and adds those among them whose key is in the interval to
   * `found`, in order, with their index in `values`.
   *
   * @param out gets the values kept and +0 elsewhere; may be `values`
   * @returns how many were kept
   */
  keepFrom(
    values: Float32Array,
    interval: KeyInterval,
    bits: Uint8Array,
    out: Float32Array | undefined,
    found: FoundEntries,
  ): number;

  /**
   * The cut that prunes `count` ≥ 1 entries of one array, narrowed to one key. Meant for arrays up to {@link SMALL}.
   */
  cutOf(values: Float32Array, count: number): Cut;

  /**
   * N:M down the columns of `blocks` blocks `[m, inner]`, one after the other.
   *
   * @param bits all 0 at first
   */
  nOfM(
    values: Float32Array,
    inner: number,
    n: number,
    m: number,
    bits: Uint8Array,
    out: Float32Array | undefined,
  ): void;
}
