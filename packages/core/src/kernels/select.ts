import { exactCut } from "./cut.js";
import { FoundEntries } from "./found-entries.js";
import { guessedShare, guessInterval, sampleSize } from "./guess-interval.js";
import { KEY_END } from "./key.js";
import type { KeyInterval, Primitives } from "./primitives.js";
import { keepAll, pruneBelow, pruneFound, pruneTies, pruneUpTo } from "./prune.js";
import { arraysOf, groupOf, type SelectionGroup, sampleOf, totalOf } from "./selection-group.js";

/** Up to so many entries of one array are ranked directly; a sample gains nothing there. */
const SMALL = 1 << 15;

/**
 * Prunes the `count` entries of the smallest keys of a group; among equals those that come first.
 *
 * Most groups are read twice: a sample says where the cut must be, to about 2 % of the entries; then one pass decides all
 * entries outside of that interval and sets aside those inside, of which the smallest are selected in the same way. Where one
 * key has so many entries that the interval ends on it, as zero has in a weight that was pruned before, one more pass settles
 * whether the cut is there. Whatever is left is counted in histograms, which is slow but never wrong.
 */
export function select(primitives: Primitives, group: SelectionGroup, count: number): void {
  const total = totalOf(group);
  if (count === 0) {
    pruneBelow(primitives, group, 0);
  } else if (group.lengths.length === 1 && total <= SMALL) {
    pruneUpTo(primitives, group, primitives.cutOf(group.values(0), count));
  } else if (!selectBySample(primitives, group, count, total)) {
    // Two passes of 16 and 15 bits.
    const whole = { from: 0, to: KEY_END, rank: count, population: total };
    pruneUpTo(primitives, group, exactCut(whole, 16, arraysOf(group)));
  }
}

function selectBySample(primitives: Primitives, group: SelectionGroup, count: number, total: number): boolean {
  const size = sampleSize(total);
  const guess = guessInterval(sampleOf(group, size), count / total);
  const found = new FoundEntries(Math.ceil(total * guessedShare(size)));
  const cut = guess.from < guess.to ? selectWithin(primitives, group, guess, count, found) : "unknown";
  return cut === "inside" || selectAt(primitives, group, cut === "above" ? guess.highest : guess.lowest, count);
}

/** Prunes up to the cut if it is inside the interval or at one of its ends; otherwise says where it is. */
function selectWithin(
  primitives: Primitives,
  group: SelectionGroup,
  interval: KeyInterval,
  count: number,
  found: FoundEntries,
): "inside" | "below" | "above" | "unknown" {
  const { pruned, ends } = keepAll(primitives, group, interval, found);
  const rank = count - pruned;
  if (rank < 0) return "below";
  if (found.overflowed) return "unknown";
  if (rank > found.length) return "above";
  if (rank > 0) {
    const values = new Float32Array(found.keys.buffer, 0, found.length);
    const keep = new Uint8Array(Math.ceil(found.length / 8));
    select(primitives, groupOf(values, keep, undefined), rank);
    pruneFound(group, found, ends, keep);
  }
  return "inside";
}

/** Prunes up to a cut among the entries of one key; false if the cut is not there. */
function selectAt(primitives: Primitives, group: SelectionGroup, key: number, count: number): boolean {
  const below = pruneBelow(primitives, group, key);
  return below <= count && pruneTies(group, key, count - below) === 0;
}
