import type { Padding, Window } from "./window.js";

/**
 * Which entries of an axis each position of a kernel meets: position `k` meets entry `h` when
 * `first[k] ≤ h ≤ size − 1 + beyond[k]` and `h − first[k]` is a multiple of `stride`.
 */
export interface Reach {
  /** One for each position of the kernel; below 0 means the padding, too. */
  readonly first: readonly number[];
  readonly beyond: readonly number[];
  readonly stride: number;
}

/**
 * The reach of a convolution over an axis: position `k` of window `o` meets `h = o · stride + k · dilation − begin`.
 *
 * The last window ends inside `size + end`, and `o` is at most that of the last window exactly when the window of `o` ends
 * inside too: `h + dilation · (kernel − 1 − k) ≤ size − 1 + end`. So no rounded number of windows is needed.
 *
 * @param padding zeros at both ends
 */
export function convReach({ kernel, stride, dilation }: Window, { begin, end }: Padding): Reach {
  const positions = [...Array(kernel).keys()];
  return {
    first: positions.map((k) => k * dilation - begin),
    beyond: positions.map((k) => end - dilation * (kernel - 1 - k)),
    stride,
  };
}

/** The entries that each position of the kernel meets on an axis of this size, 1 or 0: row-major `[kernel, size]`. */
export function reachTable({ first, beyond, stride }: Reach, size: number): Float32Array {
  const table = new Float32Array(first.length * size);
  for (const [k, from] of first.entries()) {
    const start = from < 0 ? from + Math.ceil(-from / stride) * stride : from;
    const end = Math.min(size - 1, size - 1 + beyond[k]!);
    for (let h = start; h <= end; h += stride) table[k * size + h] = 1;
  }
  return table;
}
