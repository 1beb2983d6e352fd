/**
 * The loops over every entry of a weight that decide how long pruning takes.
 *
 * Mask bits are in buffer order, least significant bit first, 1 = keep; `bits` has `ceil(length / 8)` bytes and is written
 * whole, the unused high bits of its last byte 0. Values and importance must not be NaN: callers check. Every
 * implementation writes the same bits; `kernels.test.ts` holds them to it.
 */
export interface Kernels {
  /**
   * Prunes exactly `count` entries, those of least importance; among equals the lower index goes.
   *
   * @param importance finite, ≥ 0
   * @param count integer in `[0, importance.length]`
   */
  selectSmallest(importance: Float32Array, count: number, bits: Uint8Array): void;

  /**
   * The same over several arrays ranked together; among equals those of earlier arrays go first.
   *
   * @param lengths entries of every array
   * @param part the array at an index, the same values whenever asked; asked in order and not kept, so that one array is in
   *   memory at a time: twice for most data, up to eight times where equal entries decide
   * @param count integer in `[0, sum of lengths]`
   * @param bits the mask bits of the array at an index: the same buffer whenever asked
   */
  selectSmallestAcross(
    lengths: readonly number[],
    part: (index: number) => Float32Array,
    count: number,
    bits: (index: number) => Uint8Array,
  ): void;

  /**
   * N:M along the middle axis of the row-major array `[outer, k, inner]`: of every `m` consecutive entries along it the `n` of
   * largest magnitude are kept; among equals the lower index is pruned. With `inner` > 1 the entries of a group lie `inner`
   * apart, and nothing is transposed.
   *
   * @param k a multiple of `m`
   * @param n 1 ≤ n < m
   * @param m at most 64
   */
  nmMask(values: Float32Array, outer: number, k: number, inner: number, n: number, m: number, bits: Uint8Array): void;

  /** {@link nmMask} and {@link applyMaskBits} in one pass. `out` may be `values`. */
  nmMaskAndApply(
    values: Float32Array,
    outer: number,
    k: number,
    inner: number,
    n: number,
    m: number,
    bits: Uint8Array,
    out: Float32Array,
  ): void;

  /** {@link selectSmallest} by magnitude and {@link applyMaskBits}, in one pass where that can be. `out` may be `values`. */
  selectAndApply(values: Float32Array, count: number, bits: Uint8Array, out: Float32Array): void;

  /**
   * Writes the values whose bit is 1 to `out`, bit for bit, and +0 for the others. A select, not a product: a pruned NaN or
   * negative number becomes +0 too. `out` may be `values`.
   */
  applyMaskBits(values: Float32Array, bits: Uint8Array, out: Float32Array): void;
}
