import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodePng } from "./png.js";

/** The chunks of a PNG by type, lengths as the file says. */
function chunksOf(png: Uint8Array): Map<string, Buffer> {
  const bytes = Buffer.from(png);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; at += bytes.readUInt32BE(at) + 12) {
    const data = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
    chunks.set(bytes.toString("latin1", at + 4, at + 8), data);
  }
  return chunks;
}

describe("encodePng", () => {
  it("packs pixels of one bit from the left, rows to whole bytes", () => {
    // 9 wide: 101000001 is A0 80, 010000000 is 40 00; each row after its filter byte 0.
    const levels = Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    const chunks = chunksOf(encodePng({ width: 9, height: 2, depth: 1, levels }));
    expect([...inflateSync(chunks.get("IDAT")!)]).toEqual([0, 0xa0, 0x80, 0, 0x40, 0x00]);
    expect([...chunks.get("IHDR")!]).toEqual([0, 0, 0, 9, 0, 0, 0, 2, 1, 3, 0, 0, 0]);
    expect([...chunks.get("tRNS")!]).toEqual([0, 255]);
  });

  it("packs two pixels of four bits into a byte, the left one high", () => {
    const chunks = chunksOf(encodePng({ width: 3, height: 1, depth: 4, levels: Uint8Array.of(1, 15, 8) }));
    expect([...inflateSync(chunks.get("IDAT")!)]).toEqual([0, 0x1f, 0x80]);
    expect(chunks.get("tRNS")![15]).toBe(255);
    expect(chunks.get("PLTE")).toHaveLength(48);
  });

  it("ends as every PNG does: the checksum of an empty IEND is AE426082", () => {
    const png = Buffer.from(encodePng({ width: 1, height: 1, depth: 1, levels: Uint8Array.of(1) }));
    expect(png.subarray(-12).toString("hex")).toBe("0000000049454e44ae426082");
    expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  });
});
