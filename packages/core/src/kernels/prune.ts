import type { Cut } from "./cut.js";
import { FoundEntries } from "./found-entries.js";
import { KEY_MASK, wordsOf } from "./key.js";
import type { KeyInterval, Primitives } from "./primitives.js";
import type { SelectionGroup } from "./selection-group.js";

/** What a pass over a group left: how many entries are pruned, and how many were found up to the end of each array. */
export interface PassResult {
  readonly pruned: number;
  readonly ends: readonly number[];
}

/** One pass: keeps what is at or above the interval's start, prunes the rest, finds what is inside. */
export function keepAll(
  primitives: Primitives,
  group: SelectionGroup,
  interval: KeyInterval,
  found: FoundEntries,
): PassResult {
  const ends: number[] = [];
  let pruned = 0;
  for (let index = 0; index < group.lengths.length; index++) {
    const kept = primitives.keepFrom(group.values(index), interval, group.bits(index), group.out(index), found);
    pruned += group.lengths[index]! - kept;
    ends.push(found.length);
  }
  return { pruned, ends };
}

/** For passes that find nothing. */
const NO_ROOM = new FoundEntries(0);

/** One pass that prunes every entry below a key and none else; returns how many that were. */
export function pruneBelow(primitives: Primitives, group: SelectionGroup, key: number): number {
  return keepAll(primitives, group, { from: key, to: key }, NO_ROOM).pruned;
}

/**
 * Prunes the found entries whose bit in `keep` is 0.
 *
 * @param found its indices are used up
 * @param ends from the pass that found them
 */
export function pruneFound(
  group: SelectionGroup,
  found: FoundEntries,
  ends: readonly number[],
  keep: Uint8Array,
): void {
  const { indices } = found;
  let position = 0;
  for (let index = 0; index < ends.length; index++) {
    // First a list without a branch that half of the entries take, then the writes, which may wait for memory together.
    const end = ends[index]!;
    let listed = 0;
    for (; position < end; position++) {
      indices[listed] = indices[position]!;
      listed += 1 - ((keep[position >>> 3]! >> (position & 7)) & 1);
    }
    pruneEntries(indices.subarray(0, listed), group.bits(index), group.out(index));
  }
}

function pruneEntries(indices: Int32Array, bits: Uint8Array, out: Float32Array | undefined): void {
  for (let at = 0; at < indices.length; at++) bits[indices[at]! >>> 3]! &= ~(1 << (indices[at]! & 7));
  if (out === undefined) return;
  for (let at = 0; at < indices.length; at++) out[indices[at]!] = 0;
}

/** Prunes the first `ties` entries that have exactly this key; returns how many were missing. */
export function pruneTies(group: SelectionGroup, key: number, ties: number): number {
  let left = ties;
  for (let index = 0; left > 0 && index < group.lengths.length; index++) {
    const words = wordsOf(group.values(index));
    const bits = group.bits(index);
    const out = group.out(index);
    for (let entry = 0; left > 0 && entry < words.length; entry++) {
      if ((words[entry]! & KEY_MASK) === key) {
        bits[entry >>> 3]! &= ~(1 << (entry & 7));
        if (out !== undefined) out[entry] = 0;
        left--;
      }
    }
  }
  return left;
}

/** Prunes up to a cut that is narrowed to one key. */
export function pruneUpTo(primitives: Primitives, group: SelectionGroup, cut: Cut): void {
  if (cut.rank === cut.population) {
    pruneBelow(primitives, group, cut.to);
  } else {
    pruneBelow(primitives, group, cut.from);
    pruneTies(group, cut.from, cut.rank);
  }
}
