import { forEachEntryOfGroup, type GroupLayout } from "./group-layout.js";
import type { MaskBits } from "./layer-task.js";

/** The mask of a weight from what goes in each group: 1 where an entry goes, row-major `[outputs, features]`. */
export function maskOfGroups(layout: GroupLayout, pruned: readonly Uint8Array[]): MaskBits {
  const length = layout.groups * layout.outputs * layout.features;
  const bits = new Uint8Array(Math.ceil(length / 8));
  for (const [group, flags] of pruned.entries()) {
    forEachEntryOfGroup(layout, group, (index, at) => {
      if (flags[at] === 0) bits[index >>> 3]! |= 1 << (index & 7);
    });
  }
  return { length, bits };
}

/**
 * Which entries of a group may be other than zero: those that the mask keeps and that were not zero before.
 *
 * @returns 1 where they may, row-major `[outputs, features]`
 */
export function keptOfGroup(layout: GroupLayout, group: number, { bits }: MaskBits, frozen: Uint8Array): Uint8Array {
  const keep = new Uint8Array(frozen.length);
  forEachEntryOfGroup(layout, group, (index, at) => {
    keep[at] = (bits[index >>> 3]! >> (index & 7)) & 1 & (1 - frozen[at]!);
  });
  return keep;
}
