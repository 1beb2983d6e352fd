/** A SHA-256 in bytes. */
export const DIGEST_BYTES = 32;

/** Digests of 64 hex digits, one after the other as bytes. */
export function bytesOfHex(digests: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(digests.length * DIGEST_BYTES);
  for (const [index, digest] of digests.entries()) {
    for (let at = 0; at < DIGEST_BYTES; at++) {
      bytes[index * DIGEST_BYTES + at] = Number.parseInt(digest.slice(2 * at, 2 * at + 2), 16);
    }
  }
  return bytes;
}

/** The digests in bytes that {@link bytesOfHex} made; `bytes` is a multiple of 32 long. */
export function hexOfBytes(bytes: Uint8Array): string[] {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const length = 2 * DIGEST_BYTES;
  return Array.from({ length: digits.length / length }, (_, index) =>
    digits.slice(index * length, (index + 1) * length),
  );
}
