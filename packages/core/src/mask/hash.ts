import type { Mask } from "./mask.js";
import { sha256 } from "./sha256.js";

/**
 * A fingerprint of a mask: SHA-256 over its length (8 bytes, little-endian) and its bits, as 64 lower-case hex digits.
 * The same on every machine and in every version.
 */
export function hash(mask: Mask): string {
  const message = new Uint8Array(8 + mask.bits.length);
  new DataView(message.buffer).setBigUint64(0, BigInt(mask.length), true);
  message.set(mask.bits, 8);
  return sha256(message);
}
