import { createHash } from "node:crypto";
import { hash, Mask } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { sha256 } from "./sha256.js";

describe("hash", () => {
  it("is the SHA-256 of the length in 8 little-endian bytes and the bits", () => {
    // printf '\x0a\x00\x00\x00\x00\x00\x00\x00\x0d\x02' | sha256sum
    const message = Uint8Array.from([10, 0, 0, 0, 0, 0, 0, 0, 0b00001101, 0b10]);
    const expected = createHash("sha256").update(message).digest("hex");
    expect(hash(Mask.from([1, 0, 1, 1, 0, 0, 0, 0, 0, 1]))).toBe(expected);
  });

  it("tells masks of different lengths apart, even with the same bytes", () => {
    expect(hash(Mask.from([1]))).not.toBe(hash(Mask.from([1, 0])));
  });
});

describe("sha256", () => {
  it("gives the digests of FIPS 180-4", () => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    expect(sha256(bytes("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256(bytes(""))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  it("agrees with the platform at every length around a block, at any address", () => {
    const bytes = Uint8Array.from({ length: 260 }, (_, i) => (i * 167) & 255);
    for (let length = 0; length < 259; length++) {
      const message = bytes.subarray(1, 1 + length);
      expect(sha256(message)).toBe(createHash("sha256").update(message).digest("hex"));
    }
  });
});
