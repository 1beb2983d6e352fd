import { CoreError } from "../errors.js";
import type { Mask } from "./mask.js";

/** Throws `shape-mismatch` unless the mask has as many entries as what it meets. */
export function requireLength(mask: Mask, length: number, what: string): void {
  if (mask.length === length) return;
  throw new CoreError("shape-mismatch", `the mask has ${mask.length} entries, ${what} ${length}: expected the same`);
}
