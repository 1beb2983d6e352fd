import type { Mask } from "./mask.js";

/** Whether two masks have the same length and the same bits. */
export function equals(a: Mask, b: Mask): boolean {
  return a.length === b.length && a.bits.every((byte, position) => byte === b.bits[position]);
}
