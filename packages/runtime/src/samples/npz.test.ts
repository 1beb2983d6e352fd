import { decodeNpz, isRunnerError, type RunnerError } from "@espalier/runtime";
import fc from "fast-check";
import { deflateSync, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { crc32 } from "./crc32.js";

/** A `.npy` file of bytes. */
function npyOf(...values: number[]): Uint8Array {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${values.length},), }`.padEnd(117);
  const text = new TextEncoder().encode(`\u0001\0v\0${header}\n`);
  const file = new Uint8Array(6 + text.length + values.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]);
  file.set(text, 6);
  file.set([118, 0], 8);
  file.set(values, 6 + text.length);
  return file;
}

interface Fields {
  readonly name?: string;
  readonly content?: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** What the directory declares, when it lies. */
  readonly size?: number;
  readonly compressedSize?: number;
  readonly crc?: number;
  readonly localOffset?: number;
  /** Bytes of an extra field in the local header. */
  readonly localExtra?: number;
}

/** A ZIP archive written field by field, so that tests can lie in each of them. */
function zip(...entries: readonly Fields[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = new TextEncoder().encode(entry.name ?? "x.npy");
    const content = entry.content ?? npyOf(1, 2, 3);
    const method = entry.method ?? 0;
    const packed = method === 8 ? deflateSync(content) : content;
    const extra = new Uint8Array(entry.localExtra ?? 0);
    const local = record(30, [
      [0, 0x04034b50, 4],
      [8, method, 2],
      [26, name.length, 2],
      [28, extra.length, 2],
    ]);
    // As numpy does, sizes of the local header are left to the extra field.
    if (extra.length > 0) new DataView(local.buffer).setUint32(18, 0xffffffff, true);
    directory.push(
      record(46, [
        [0, 0x02014b50, 4],
        [8, entry.flags ?? 0, 2],
        [10, method, 2],
        [16, entry.crc ?? crc32(content), 4],
        [20, entry.compressedSize ?? packed.length, 4],
        [24, entry.size ?? content.length, 4],
        [28, name.length, 2],
        [42, entry.localOffset ?? at, 4],
      ]),
      name,
    );
    parts.push(local, name, extra, packed);
    at += local.length + name.length + extra.length + packed.length;
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record(22, [
    [0, 0x06054b50, 4],
    [8, entries.length, 2],
    [10, entries.length, 2],
    [12, directoryBytes, 4],
    [16, at, 4],
  ]);
  return concat([...parts, ...directory, end]);
}

function record(length: number, fields: readonly (readonly [number, number, number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(length));
  for (const [at, value, bytes] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }
  return new Uint8Array(view.buffer);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function failure(bytes: Uint8Array, options: { maxBytes?: number } = {}): RunnerError {
  try {
    decodeNpz(bytes, { name: "a.npz", ...options });
  } catch (error) {
    if (isRunnerError(error, "bad-samples")) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("crc32", () => {
  it("is the checksum of ZIP: the check value of its specification", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });
});

describe("decodeNpz", () => {
  it("reads stored and deflated arrays by name, in the archive's order", () => {
    const arrays = decodeNpz(
      zip({ name: "b.npy", content: npyOf(1, 2), method: 8 }, { name: "a/c.npy", content: npyOf(9) }),
    );
    expect([...arrays]).toEqual([
      ["b", { dtype: "uint8", dims: [2], data: Uint8Array.of(1, 2) }],
      ["a/c", { dtype: "uint8", dims: [1], data: Uint8Array.of(9) }],
    ]);
  });

  it("reads another writer's archive, and one with a comment at its end", () => {
    const archive = zipSync({ "x.npy": npyOf(5, 6), "y.npy": [npyOf(7), { level: 0 }] });
    expect([...decodeNpz(archive).values()].map(({ data }) => [...data])).toEqual([[5, 6], [7]]);
    const commented = concat([archive, new TextEncoder().encode("hello")]);
    commented[archive.length - 2] = 5;
    expect([...decodeNpz(commented).keys()]).toEqual(["x", "y"]);
  });

  it("reads the local headers that numpy writes, whose sizes stand in a ZIP64 field", () => {
    expect(decodeNpz(zip({ localExtra: 20 })).get("x")!.data).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("leaves out what is no .npy, and reads an archive of nothing", () => {
    expect([...decodeNpz(zip({ name: "README.txt", content: Uint8Array.of(65) }, {})).keys()]).toEqual(["x"]);
    expect(decodeNpz(zip()).size).toBe(0);
  });

  it("reads an empty deflated array", () => {
    expect(decodeNpz(zip({ content: npyOf(), method: 8 })).get("x")).toEqual({
      dtype: "uint8",
      dims: [0],
      data: new Uint8Array(0),
    });
  });

  describe("refuses, without allocating what is declared,", () => {
    const bomb = zip({ content: new Uint8Array(2_000_000), method: 8, name: "zeros.npy" });
    const good = zip({});
    const cases: [string, Uint8Array, string][] = [
      ["an empty file", new Uint8Array(0), "no ZIP directory"],
      ["a text file", new TextEncoder().encode("not a zip".repeat(10)), "no ZIP directory"],
      ["an archive that is cut off", good.subarray(0, good.length - 1), "no ZIP directory"],
      ["one cut in the middle", good.subarray(0, 100), "no ZIP directory"],
      ["a directory that does not begin where it should", good.with(good.length - 6, 1), "0 of 1 entries"],
      ["more entries than the directory has", good.with(good.length - 12, 9), "1 of 9 entries"],
      ["an encrypted entry", zip({ flags: 1 }), "encrypted"],
      ["another compression method", zip({ method: 12 }), "method 12"],
      ["ZIP64 sizes", zip({ size: 0xffffffff }), "ZIP64"],
      ["a local header outside of the file", zip({ localOffset: 1e6 }), "no local header at byte 1000000"],
      ["a local header that is none", zip({ localOffset: 1 }), "no local header at byte 1"],
      ["content that runs out of the file", zip({ compressedSize: 1e6, size: 1e6 }), "run out of the file"],
      ["a stored entry whose two sizes differ", zip({ size: 4 }), "cannot hold the 4 bytes"],
      ["a size that deflate cannot reach", zip({ method: 8, size: 4e9 }), "cannot hold the 4000000000 bytes"],
      ["more content than is declared", zip({ method: 8, size: 5 }), "5 bytes are declared, found more"],
      ["less content than is declared", zip({ method: 8, size: 140 }), "140 bytes are declared, found 131"],
      ["a checksum that does not match", zip({ crc: 1 }), "checksum"],
      ["an entry that is there twice", zip({}, {}), '"x.npy" is there twice'],
      ["an array that is no .npy inside", zip({ content: Uint8Array.of(1) }), "numpy.save"],
    ];
    it.each(cases)("%s", (_, bytes, text) => {
      const error = failure(bytes);
      expect(error.message).toContain("a.npz");
      expect(error.message).toContain(text);
    });

    it("a bomb: 2 MB of zeros above a limit of 1 MB", () => {
      expect(bomb.length).toBeLessThan(3000);
      expect(failure(bomb, { maxBytes: 1_000_000 }).message).toContain(
        "2000000 bytes when decompressed, the limit is 1000000",
      );
    });

    it("several entries over the same content, counted each", () => {
      const shared = { content: new Uint8Array(700_000), method: 8, localOffset: 0 };
      expect(
        failure(zip({ ...shared, name: "a.npy" }, { ...shared, name: "b.npy" }), { maxBytes: 1_000_000 }).message,
      ).toContain("1400000 bytes");
    });

    it("a flipped byte in compressed data", () => {
      const archive = zip({ content: npyOf(...Array(100).keys()), method: 8 });
      expect(failure(archive.with(60, archive[60]! ^ 0x10)).context).toMatchObject({ entry: "x.npy", offset: 35 });
    });

    it("names the entry and where its content begins", () => {
      const error = failure(zip({ name: "first.npy" }, { name: "second.npy", crc: 1 }));
      // 30 + 9 + 131 bytes of the first entry, then 30 + 10 of header and name.
      expect(error.context).toMatchObject({ entry: "second.npy", offset: 210 });
      expect(error.message).toContain('entry "second.npy", byte 210');
    });
  });

  it("never fails otherwise than with bad-samples, whatever is done to an archive", () => {
    const archive = zip({ method: 8 }, { name: "y.npy", content: npyOf(1) });
    const edits = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 5 });
    fc.assert(
      fc.property(edits, fc.boolean(), fc.nat(archive.length), (changes, cut, length) => {
        const copy = new Uint8Array(archive);
        for (const [at, value] of changes) copy[at] = value;
        try {
          decodeNpz(cut ? copy.subarray(0, length) : copy, { maxBytes: 1e6 });
        } catch (error) {
          if (!isRunnerError(error, "bad-samples")) throw error;
        }
      }),
      { seed: 13, numRuns: 3000 },
    );
  });
});
