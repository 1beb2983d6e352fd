/**
 * What an axis of a weight's buffer means to the operator that consumes it:
 * `out` steps through output channels, `in` through input channels (the reduction axis of the operator),
 * `kernel` through the positions of a convolution kernel.
 */
export type AxisRole = "out" | "in" | "kernel";

/** One axis of a weight's buffer. */
export interface Axis {
  /** Number of entries along the axis, at least 1. */
  readonly size: number;
  readonly role: AxisRole;
  /** What one step along this axis adds to the out-channel index (`out`) or to the in-feature index (`in`, `kernel`). */
  readonly step: number;
}

/**
 * A prunable weight seen as a matrix `[outChannels, inFeatures]` over its own buffer, whatever layout the operator stores.
 *
 * `axes` factor the buffer, outermost first, row-major: the product of their sizes is the number of entries.
 * An entry's out channel is the sum of `index · step` over its `out` axes, its in-feature the same sum over its `in` and
 * `kernel` axes; the in-feature of a convolution runs over (input channel, kernel position), the position fastest.
 *
 * MatMul B `[K, N]` is `[{in, K, 1}, {out, N, 1}]`, Gemm with transB `[N, K]` is `[{out, N, 1}, {in, K, 1}]`,
 * Conv `[O, C, 3, 3]` is `[{out, O, 1}, {in, C, 9}, {kernel, 9, 1}]`, ConvTranspose with G groups `[G·C, P, 3, 3]` is
 * `[{out, G, P}, {in, C, 9}, {out, P, 1}, {kernel, 9, 1}]`.
 */
export interface WeightView {
  /** Unique among the weights that are pruned together. */
  readonly name: string;
  readonly outChannels: number;
  readonly inFeatures: number;
  /**
   * Runs of `outChannels / groups` consecutive out channels that have their own inputs: the groups of a grouped
   * convolution, the matrices of a batched MatMul, the directions of a recurrent R. 1 for most weights.
   */
  readonly groups: number;
  readonly axes: readonly Axis[];
  /** Why the axes cannot be relied on (consumers that disagree). Patterns, groups and criteria that need axes refuse then. */
  readonly axisConflict?: string;
  /**
   * The entries in buffer order. May read from disk on every call: keep the result only as long as needed.
   *
   * @param into memory that the array may be laid over, from its start, where that is large enough; what was in it is lost.
   *   For those who read one large weight after the other. A view may ignore it
   */
  read(into?: ArrayBuffer): Float32Array | Float64Array;
}
