import { requireFinite } from "./criteria/require-finite.js";
import { CoreError } from "./errors.js";
import { entryCount } from "./layout/entry-count.js";
import type { WeightView } from "./weight-view.js";

/** The bits of +Infinity; below are +0 and the positive finite numbers in order, above are NaN and everything negative. */
const INFINITY_BITS = 0x7f800000;

/**
 * Throws unless importance can be ranked: custom criteria are checked here, so that no kernel meets a NaN. −0 passes; it
 * ranks as 0.
 *
 * @returns the array itself
 * @throws {CoreError} `shape-mismatch`; `not-finite`; `invalid-criterion` on a negative number
 */
export function requireImportance(view: WeightView, importance: Float32Array): Float32Array {
  const weight = view.name;
  const expected = entryCount(view);
  if (importance.length !== expected) {
    const message = `the importance of weight "${weight}" has ${importance.length} entries, expected ${expected}`;
    throw new CoreError("shape-mismatch", message, { weight });
  }
  const bits = new Uint32Array(importance.buffer, importance.byteOffset, importance.length);
  if (!holdsAtLeast(bits, INFINITY_BITS)) return importance;
  requireFinite(importance, weight, "importance");
  requireNonNegative(importance, weight);
  return importance;
}

/** A plain loop: `some` with a function takes several times as long on millions of entries. */
function holdsAtLeast(words: Uint32Array, bound: number): boolean {
  for (let index = 0; index < words.length; index++) if (words[index]! >= bound) return true;
  return false;
}

function requireNonNegative(importance: Float32Array, weight: string): void {
  const index = importance.findIndex((score) => score < 0);
  if (index < 0) return;
  throw new CoreError(
    "invalid-criterion",
    `the importance of weight "${weight}" is ${importance[index]} at index ${index}, expected at least 0`,
    { weight, index },
  );
}
