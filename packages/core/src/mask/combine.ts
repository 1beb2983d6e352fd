import { Mask } from "./mask.js";
import { requireLength } from "./require-length.js";

/**
 * Keeps what both masks keep.
 *
 * @throws {CoreError} `shape-mismatch` when the lengths differ
 */
export function and(a: Mask, b: Mask): Mask {
  requireLength(a, b.length, "the other mask");
  return Mask.adopt(
    a.length,
    a.bits.map((byte, position) => byte & b.bits[position]!),
  );
}

/**
 * Keeps what at least one of the masks keeps.
 *
 * @throws {CoreError} `shape-mismatch` when the lengths differ
 */
export function or(a: Mask, b: Mask): Mask {
  requireLength(a, b.length, "the other mask");
  return Mask.adopt(
    a.length,
    a.bits.map((byte, position) => byte | b.bits[position]!),
  );
}
