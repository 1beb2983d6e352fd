import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Mask bits as text: raw DEFLATE, base64. */
export function packMask(bits: Uint8Array): string {
  return deflateRawSync(bits).toString("base64");
}

/**
 * Mask bits out of a text that anybody may have written.
 *
 * @param entries how many bits there have to be; no more memory than they take is used
 * @returns undefined where the text is none, or holds another number of bits
 */
export function unpackMask(text: string, entries: number): Uint8Array | undefined {
  const expected = Math.ceil(entries / 8);
  try {
    const bits = inflateRawSync(Buffer.from(text, "base64"), { maxOutputLength: expected + 1 });
    return bits.length === expected ? bits : undefined;
  } catch {
    return undefined; // zlib's errors say nothing that the caller does not
  }
}
