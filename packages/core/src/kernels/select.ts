import { type Cut, exactCut, type ForEachArray, narrowCut } from "./cut.js";
import { FoundEntries } from "./found-entries.js";
import { KEY_END, KEY_MASK, wordsOf } from "./key.js";
import type { KeyInterval, Primitives } from "./primitives.js";
import { sampledInterval } from "./sampled-interval.js";

/** Entries that are ranked together: the arrays of {@link Kernels.selectSmallestAcross}, or one. */
export interface SelectionGroup {
  readonly lengths: readonly number[];
  values(index: number): Float32Array;
  bits(index: number): Uint8Array;
  /** Where to write the values kept, if anywhere; not the memory of `values`. */
  out(index: number): Float32Array | undefined;
}

/** Below this many entries a sample gains nothing over counting. */
const SAMPLED_FROM = 1 << 16;
const LARGEST_SAMPLE = 1 << 15;

/** Of several arrays so many entries may wait for the end (8 bytes each): a third reading of all of them costs more. */
const MOST_WAITING = 1 << 21;

const NOTHING: KeyInterval = { from: 0, to: 0 };

/**
 * Prunes the `count` entries of the smallest keys of a group, in two passes over one large array and two or three over
 * several: first an interval of keys that holds the cut, from a sample or a histogram; then one pass that decides all other
 * entries and sets aside those inside (about 1 %), among which the cut is found exactly. Where the interval turns out wrong or
 * too many entries are alike, histograms find the cut key itself.
 */
export function select(primitives: Primitives, group: SelectionGroup, count: number): void {
  const total = group.lengths.reduce((sum, length) => sum + length, 0);
  if (count === 0) {
    keepAll(primitives, group, NOTHING, new FoundEntries(0));
    return;
  }
  const whole: Cut = { from: 0, to: KEY_END, rank: count, population: total };
  if (group.lengths.length === 1) {
    if (total >= SAMPLED_FROM && selectBySample(primitives, group, count)) return;
    const digit = total < 4096 ? 8 : 11;
    writeCut(primitives, group, exactCut(whole, digit, arraysOf(group)));
  } else {
    const cut = narrowCut(whole, 15, arraysOf(group));
    if (cut.population <= MOST_WAITING && selectWithin(primitives, group, cut, count, cut.population)) return;
    writeCut(primitives, group, narrowCut(cut, 0, arraysOf(group)));
  }
}

function selectBySample(primitives: Primitives, group: SelectionGroup, count: number): boolean {
  const total = group.lengths[0]!;
  const size = Math.min(LARGEST_SAMPLE, total >>> 4);
  const interval = sampledInterval(wordsOf(group.values(0)), count, size);
  // The interval of the smallest sample (2^12) holds 6 % of the entries.
  return selectWithin(primitives, group, interval, count, total >>> 3);
}

/** Decides all entries outside the interval in one pass, and those inside at the end; false if the cut is not inside. */
function selectWithin(
  primitives: Primitives,
  group: SelectionGroup,
  interval: KeyInterval,
  count: number,
  capacity: number,
): boolean {
  const found = new FoundEntries(capacity);
  const ends = keepAll(primitives, group, interval, found);
  const rank = count - ends.pruned;
  if (found.overflowed || rank < 0 || rank > found.length) return false;
  if (rank > 0) pruneFound(group, found, ends.found, rank, interval);
  return true;
}

function keepAll(
  primitives: Primitives,
  group: SelectionGroup,
  interval: KeyInterval,
  found: FoundEntries,
): { pruned: number; found: number[] } {
  const ends: number[] = [];
  let pruned = 0;
  for (let index = 0; index < group.lengths.length; index++) {
    const kept = primitives.keepFrom(group.values(index), interval, group.bits(index), group.out(index), found);
    pruned += group.lengths[index]! - kept;
    ends.push(found.length);
  }
  return { pruned, found: ends };
}

/** Prunes the `rank` smallest of the entries that were set aside; `ends[i]` = how many of them come before array i + 1. */
function pruneFound(
  group: SelectionGroup,
  found: FoundEntries,
  ends: readonly number[],
  rank: number,
  interval: KeyInterval,
): void {
  const keys = found.keys.subarray(0, found.length);
  const cut = exactCut({ ...interval, rank, population: found.length }, 11, (visit) => visit(keys));
  let ties = cut.rank;
  let position = 0;
  for (let index = 0; index < ends.length; index++) {
    const bits = group.bits(index);
    const out = group.out(index);
    for (; position < ends[index]!; position++) {
      const key = keys[position]!;
      if (key < cut.from || (key === cut.from && ties-- > 0)) pruneEntry(found.indices[position]!, bits, out);
    }
  }
}

/** One pass that prunes up to a cut narrowed to one key. */
function writeCut(primitives: Primitives, group: SelectionGroup, cut: Cut): void {
  const allTies = cut.rank === cut.population;
  const border = allTies ? cut.to : cut.from;
  let ties = allTies ? 0 : cut.rank;
  for (let index = 0; index < group.lengths.length; index++) {
    const values = group.values(index);
    const bits = group.bits(index);
    const out = group.out(index);
    primitives.keepFrom(values, { from: border, to: border }, bits, out, new FoundEntries(0));
    if (ties > 0) ties = pruneTies(wordsOf(values), cut.from, ties, bits, out);
  }
}

/** Prunes the first `ties` entries that have exactly this key; returns how many are left to prune elsewhere. */
function pruneTies(
  words: Int32Array,
  key: number,
  ties: number,
  bits: Uint8Array,
  out: Float32Array | undefined,
): number {
  let left = ties;
  for (let index = 0; left > 0 && index < words.length; index++) {
    if ((words[index]! & KEY_MASK) === key) {
      pruneEntry(index, bits, out);
      left--;
    }
  }
  return left;
}

function pruneEntry(index: number, bits: Uint8Array, out: Float32Array | undefined): void {
  bits[index >>> 3]! &= ~(1 << (index & 7));
  if (out !== undefined) out[index] = 0;
}

function arraysOf(group: SelectionGroup): ForEachArray {
  return (visit) => {
    for (let index = 0; index < group.lengths.length; index++) visit(wordsOf(group.values(index)));
  };
}
