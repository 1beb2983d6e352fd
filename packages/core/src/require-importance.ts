import { requireFinite } from "./criteria/require-finite.js";
import { CoreError } from "./errors.js";
import { entryCount } from "./layout/entry-count.js";
import type { WeightView } from "./weight-view.js";

/** The bits of +Infinity; below are +0 and the positive finite numbers in order, above are NaN and everything negative. */
const INFINITY_BITS = 0x7f800000;

/**
 * Importance that can be ranked by its bits: the array itself, or a copy with +0 for −0, which the bits would rank highest.
 * Custom criteria are checked here, so that no kernel meets a NaN.
 *
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
  if (!bits.some((word) => word >= INFINITY_BITS)) return importance;
  requireFinite(importance, weight, "importance");
  const index = importance.findIndex((score) => score < 0);
  // x + 0 is +0 for −0 and x for all others.
  if (index < 0) return importance.map((score) => score + 0);
  throw new CoreError(
    "invalid-criterion",
    `the importance of weight "${weight}" is ${importance[index]} at index ${index}, expected at least 0`,
    { weight, index },
  );
}
