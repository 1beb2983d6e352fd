import type { ForEachArray } from "./cut.js";
import { wordsOf } from "./key.js";

/** Entries that are ranked together: the arrays of {@link Kernels.selectSmallestAcross}, or one. */
export interface SelectionGroup {
  readonly lengths: readonly number[];
  values(index: number): Float32Array;
  bits(index: number): Uint8Array;
  /** Where to write the values kept, if anywhere; not the memory of `values`. */
  out(index: number): Float32Array | undefined;
}

/** A group of one array. */
export function groupOf(values: Float32Array, bits: Uint8Array, out: Float32Array | undefined): SelectionGroup {
  return { lengths: [values.length], values: () => values, bits: () => bits, out: () => out };
}

/** Entries of all arrays together; may be more than 2³². */
export function totalOf(group: SelectionGroup): number {
  return group.lengths.reduce((sum, length) => sum + length, 0);
}

/** Reads the arrays in order. */
export function arraysOf(group: SelectionGroup): ForEachArray {
  return (visit) => {
    for (let index = 0; index < group.lengths.length; index++) visit(wordsOf(group.values(index)));
  };
}

/**
 * The words of about `size` entries: one of every run of `total / size`, at a pseudo-random place in it, so that no period of
 * the data (the rows of a matrix) can fall in step with the sample. The same data give the same sample.
 *
 * @param size at most the number of entries
 */
export function sampleOf(group: SelectionGroup, size: number): Int32Array {
  const total = totalOf(group);
  const run = Math.floor(total / size);
  const sample = new Int32Array(Math.ceil(total / run));
  let taken = 0;
  let end = 0;
  let state = 1;
  let position = 0;
  arraysOf(group)((words) => {
    const start = end;
    end += words.length;
    while (position < end) {
      sample[taken++] = words[position - start]!;
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      position = taken * run + ((state >>> 8) % run);
    }
  });
  return sample.subarray(0, taken);
}
