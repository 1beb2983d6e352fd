import { decodeStatistics, decodeStatisticsFile, encodeStatistics, type StatisticsFile } from "@espalier/calibrate";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { failure } from "../../test/failure.js";
import { digest, fileWith, shardSum } from "../../test/statistics-content.js";
import { isStatisticsError } from "../statistics-error.js";

const ALL = [0, 1, 2, 3, 4, 5];
const f64 = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
const packed = (file: object) => new Uint8Array(new Packr({ useRecords: false, variableMapSize: true }).pack(file));

/** One weight of one feature, one shard of one sample. */
const moment = (fields: object = {}) => ({
  kind: "squares",
  weights: [{ name: "W", groups: 1, inFeatures: 1 }],
  folded: 1,
  count: 300,
  pending: [],
  ...fields,
});
const content = (fields: object = {}) => ({
  format: "espalier-statistics",
  version: 1,
  model: { graph: digest(1), weights: digest(2) },
  options: { batch: 1, shardSize: 1, mask: null },
  samples: { count: 1, complete: true, shards: new Uint8Array(32) },
  skipped: [],
  withoutGram: [],
  moments: [moment()],
  sums: [f64(2)],
  ...fields,
});
/** A file with other content than `encodeStatistics` would write. */
const file = (fields: object = {}) => packed(content(fields));
const weight = (fields: object) => moment({ weights: [{ name: "W", groups: 1, inFeatures: 1, ...fields }] });

describe("encodeStatistics", () => {
  it.each([
    ["finished", fileWith(ALL)],
    ["with gaps", fileWith([0, 1, 3, 5])],
    ["without its first shard", fileWith([1, 2])],
    ["begun", fileWith([], { total: 0, complete: false })],
    ["with a mask", fileWith(ALL, { changes: { options: { batch: 8, shardSize: 2, mask: "attention_mask" } } })],
  ])("gives bytes that decode to the same content, bit for bit: %s", (_, original) => {
    const bytes = encodeStatistics(original);
    expect(decodeStatisticsFile(bytes)).toEqual(original);
    expect(encodeStatistics(decodeStatisticsFile(bytes))).toEqual(bytes);
    expect(bytes.byteLength).toBe(bytes.buffer.byteLength);
  });

  it("writes what the README specifies, byte for byte", () => {
    const text = (content: string) => `${(0xa0 + content.length).toString(16)}${Buffer.from(content).toString("hex")}`;
    const long = (content: string) => `d940${Buffer.from(content).toString("hex")}`;
    const expected = [
      `89${text("format")}${text("espalier-statistics")}${text("version")}01`,
      `${text("model")}82${text("graph")}${long(digest(1))}${text("weights")}${long(digest(2))}`,
      `${text("options")}83${text("batch")}01${text("shardSize")}01${text("mask")}c0`,
      `${text("samples")}83${text("count")}01${text("complete")}c3${text("shards")}c420${"00".repeat(31)}09`,
      `${text("skipped")}90${text("withoutGram")}90`,
      `${text("moments")}9185${text("kind")}${text("squares")}`,
      `${text("weights")}9183${text("name")}${text("W")}${text("groups")}01${text("inFeatures")}01`,
      // uint16, big-endian as MessagePack has it.
      `${text("folded")}01${text("count")}cd012c${text("pending")}90`,
      // 2.0 as a little-endian double.
      `${text("sums")}91c4080000000000000040`,
    ];
    const one: StatisticsFile = {
      model: { graph: digest(1), weights: digest(2) },
      options: { batch: 1, shardSize: 1, mask: null },
      samples: { count: 1, complete: true, shards: [digest(9)] },
      skipped: [],
      withoutGram: [],
      moments: [
        {
          kind: "squares",
          weights: [{ name: "W", groups: 1, inFeatures: 1 }],
          folded: 1,
          total: { count: 300, values: Float64Array.of(2) },
          pending: new Map(),
        },
      ],
    };
    expect(Buffer.from(encodeStatistics(one)).toString("hex")).toBe(expected.join(""));
  });

  it.each([
    ["lists and bytes of 16-bit length", 40, 300],
    ["bytes of 32-bit length", 2, 9000],
    ["a list of 32-bit length", 70_000, 1],
  ])("writes %s in their shortest form, as the parser expects", (_, moments, inFeatures) => {
    const many = Array.from({ length: moments }, (_, index) => ({
      kind: "squares" as const,
      weights: [{ name: `W${index}`, groups: 1, inFeatures }],
      folded: 1,
      total: { count: 1, values: new Float64Array(inFeatures).fill(index) },
      pending: new Map(),
    }));
    const original = fileWith([0], { total: 1, changes: { moments: many } });
    const bytes = encodeStatistics(original);
    expect(Buffer.compare(encodeStatistics(decodeStatisticsFile(bytes)), bytes)).toBe(0);
    const { sums } = new Packr({ useRecords: false }).unpack(bytes) as { sums: Uint8Array[] };
    const tail = packed({ sums }).subarray(1);
    expect(Buffer.compare(bytes.subarray(-tail.length), tail)).toBe(0);
  });

  it("takes sums that are a view into a larger buffer", () => {
    const view = Float64Array.of(9, 1, 2, 9).subarray(1, 3);
    const [squares] = fileWith([0], { total: 1 }).moments;
    const moments = [{ ...squares!, total: { count: 1, values: view } }];
    const decoded = decodeStatisticsFile(encodeStatistics(fileWith([0], { total: 1, changes: { moments } })));
    expect(decoded.moments[0]!.total!.values).toEqual(Float64Array.of(1, 2));
  });

  it("keeps counts beyond 32 bits and names of any length", () => {
    const name = "é".repeat(70_000);
    const moments = [moment({ weights: [{ name, groups: 1, inFeatures: 1 }], count: 2 ** 53 - 1 })];
    const decoded = decodeStatistics(file({ moments }));
    expect(decoded.statistics.get(name)!.count).toBe(2 ** 53 - 1);
  });
});

describe("decodeStatistics", () => {
  it("gives statistics by weight, in the form that core takes; weights with one input share them", () => {
    const { statistics, grams, skipped, samples, model } = decodeStatistics(encodeStatistics(fileWith(ALL)));
    const [squares] = fileWith(ALL).moments;
    expect(statistics.get("query")).toEqual({ sumOfSquares: squares!.total!.values, count: 24 });
    expect(statistics.get("key")!.sumOfSquares).toBe(statistics.get("query")!.sumOfSquares);
    expect([...statistics.keys()]).toEqual(["query", "key"]);
    expect(grams.get("conv")).toMatchObject({ groups: 2, inFeatures: 2, count: 24 });
    expect(skipped).toEqual([{ name: "loop/W", reason: "it is inside a Loop" }]);
    expect({ samples, model }).toEqual({ samples: 12, model: { graph: digest(1), weights: digest(2) } });
  });

  it("reads from any offset of a buffer, and keeps nothing of it", () => {
    const bytes = encodeStatistics(fileWith(ALL));
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const view = shifted.subarray(3);
    const decoded = decodeStatistics(view);
    expect(Object.keys(view)).toHaveLength(bytes.length);
    shifted.fill(0);
    expect(decoded).toEqual(decodeStatistics(bytes));
  });

  it("ignores keys that it does not know, at every level", () => {
    const later = file({
      when: { deep: [1, [2]] },
      options: { batch: 1, shardSize: 1, mask: null, seed: 1 },
      moments: [{ ...weight({ extra: null }), more: 1 }],
    });
    expect(decodeStatistics(later).statistics).toEqual(
      new Map([["W", { sumOfSquares: Float64Array.of(2), count: 300 }]]),
    );
  });

  it("lists a weight that no sample reached as skipped", () => {
    const { statistics, skipped } = decodeStatistics(file({ moments: [moment({ count: 0 })], sums: [f64(0)] }));
    expect(statistics.size).toBe(0);
    expect(skipped).toEqual([{ name: "W", reason: "no sample reached it" }]);
  });

  it.each([
    ["shards in the middle", fileWith([0, 2, 3, 5]), "shards 1, 4 of 6 are missing"],
    ["all but one", fileWith([1]), "shards 0, 2–5 of 6 are missing"],
    ["the end of the samples", fileWith(ALL, { complete: false }), "whatever comes behind the last sample"],
    ["everything", fileWith([], { total: 0 }), "shards are missing"],
  ])("refuses a file that lacks %s, and says what to do", (_, unfinished, text) => {
    const error = failure(() => decodeStatistics(encodeStatistics(unfinished)));
    expect(error.code).toBe("incomplete");
    expect(error.message).toContain(text);
    expect(error.message).toContain("--resume");
  });

  it("refuses a file in which one kind of sum lacks a shard", () => {
    const [squares] = fileWith(ALL).moments;
    const [, grams] = fileWith([0, 1, 2, 3, 4]).moments;
    const bytes = encodeStatistics(fileWith(ALL, { changes: { moments: [squares, grams] } }));
    expect(failure(() => decodeStatistics(bytes)).message).toContain("shards 5 of 6");
  });
});

describe("decodeStatisticsFile", () => {
  const bytes = encodeStatistics(fileWith([0, 2]));

  it.each([
    ["nothing", new Uint8Array(0)],
    ["a text file", new TextEncoder().encode("format: espalier-statistics\nversion: 1\n")],
    ["an ONNX model", Uint8Array.of(8, 8, 18, 4, 116, 101, 115, 116)],
    ["another MessagePack map", packed({ hello: 1 })],
    ["a map that names another format", packed({ format: "espalier-statistiks", version: 1 })],
    ["a map with the version first", packed({ version: 1, format: "espalier-statistics" })],
  ])("says of %s that it is no statistics file", (_, other) => {
    expect(failure(() => decodeStatisticsFile(other)).code).toBe("not-statistics");
  });

  it.each([
    [2, "version 2"],
    [0, "version 0"],
    [300, "a later one"],
  ])("refuses version %i whatever else is in it", (version, text) => {
    const other = packed({ format: "espalier-statistics", version, when: new Date(0) });
    const error = failure(() => decodeStatisticsFile(other));
    expect(error.code).toBe("unsupported-version");
    expect(error.message).toContain(text);
  });

  it("refuses every file that is cut off", () => {
    for (let length = 0; length < bytes.length; length++) {
      const { code } = failure(() => decodeStatisticsFile(bytes.subarray(0, length)));
      // The marker takes 36 bytes: 1 + 7 + 20 + 8.
      expect(code).toBe(length < 36 ? "not-statistics" : "malformed");
    }
  });

  it("refuses bytes behind the end", () => {
    const longer = Buffer.concat([bytes, Uint8Array.of(0)]);
    expect(failure(() => decodeStatisticsFile(longer))).toMatchObject({
      code: "malformed",
      context: { offset: bytes.length },
    });
  });

  const samples = (fields: object) => ({ samples: { ...content().samples, ...fields } });
  it.each([
    ["no fingerprint", { model: null }, "model"],
    ["half a fingerprint", { model: { graph: digest(1) } }, "fingerprint"],
    ["a fingerprint that is no hex", { model: { graph: "g".repeat(64), weights: digest(1) } }, "64 hex digits"],
    ["no options", { options: null }, "options"],
    ["a batch of 0", { options: { batch: 0, shardSize: 1, mask: null } }, "found 0 for batch"],
    ["a mask that is a number", { options: { batch: 1, shardSize: 1, mask: 5 } }, "mask"],
    ["samples that are a list", { samples: [] }, "samples"],
    ["half a sample", samples({ count: 0.5 }), "samples.count"],
    ["an end that is neither there nor not", samples({ complete: 1 }), "samples.complete"],
    ["half a digest", samples({ shards: new Uint8Array(16) }), "samples.shards"],
    ["more samples than shards hold", samples({ count: 2 }), "2 samples in shards of 1 do not make 1 shards"],
    ["no skipped weights", { skipped: null }, "skipped"],
    ["a skipped weight without a reason", { skipped: [{ name: "x" }] }, "a reason"],
    ["no moments", { moments: null }, "moments"],
    ["a moment that is a number", { moments: [1] }, "a sum"],
    ["a moment that is bytes", { moments: [f64(1)] }, "a sum"],
    ["an unknown kind", { moments: [moment({ kind: "cubes" })] }, "kind"],
    ["a moment without weights", { moments: [moment({ weights: [] })] }, "0 different lengths"],
    ["a weight without a name", { moments: [weight({ name: 5 })] }, "found 5 for the name"],
    ["groups of 0", { moments: [weight({ groups: 0 })] }, "found 0 for groups"],
    [
      "a product of shapes that overflows",
      { moments: [weight({ groups: 2 ** 52, inFeatures: 2 ** 52 })] },
      "found 1 sums",
    ],
    ["a count as text", { moments: [moment({ count: "1" })] }, "count"],
    ["a negative count", { moments: [moment({ count: -1 })] }, "found -1 for count"],
    ["a weight that is there twice", { moments: [moment(), moment()], sums: [f64(2), f64(2)] }, '"W" is there twice'],
    ["too few sums", { sums: [] }, "found nothing"],
    ["too many sums", { sums: [f64(2), f64(2)] }, "more sums"],
    ["sums as a list of numbers", { sums: [[2]] }, "found a list"],
    ["sums of 9 bytes", { sums: [new Uint8Array(9)] }, "multiple of 8"],
    ["more sums than features", { sums: [f64(1, 2)] }, "found 2 sums, expected 1"],
    ["a negative sum of squares", { sums: [f64(-2)] }, "is -2"],
    [
      "a shard that is there twice",
      { moments: [moment({ pending: [[0, 1]] })], sums: [f64(2), f64(2)] },
      "found 0 for the number",
    ],
    [
      "a shard behind no gap",
      { moments: [moment({ pending: [[1, 1]] })], sums: [f64(2), f64(2)] },
      "found 1 for the number",
    ],
    [
      "a shard that no samples made",
      { moments: [moment({ pending: [[7, 1]] })], sums: [f64(2), f64(2)] },
      "beyond the 1",
    ],
    ["more folded shards than samples made", { moments: [moment({ folded: 2 })] }, "beyond the 1"],
    ["pending shards that are no pairs", { moments: [moment({ pending: [5] })] }, "a pending shard"],
  ] as const)("refuses %s", (_, fields, text) => {
    const error = failure(() => decodeStatisticsFile(file(fields)));
    expect(error.code).toBe("malformed");
    expect(error.message).toContain(text);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %d, naming the weight and the index", (value) => {
    const bad = file({ moments: [weight({ inFeatures: 2 })], sums: [f64(0, value)] });
    expect(failure(() => decodeStatisticsFile(bad))).toMatchObject({
      code: "not-finite",
      context: { weight: "W", index: 1 },
    });
  });

  it("takes negative products of different features", () => {
    const gram = moment({ kind: "gram", weights: [{ name: "W", groups: 1, inFeatures: 2 }] });
    const decoded = decodeStatisticsFile(file({ moments: [gram], sums: [f64(1, -1, 1)] }));
    expect(decoded.moments[0]!.total!.values).toEqual(Float64Array.of(1, -1, 1));
  });

  describe("refuses what would make a parser allocate or recurse without end:", () => {
    /** The smallest file with `sums` replaced by these bytes. */
    const withSums = (...tail: number[]) => {
      const end = packed({ sums: [f64(2)] }).length - 1 - packed({ sums: 0 }).length + 2;
      return Uint8Array.from([...file().subarray(0, -end), ...tail]);
    };

    it("the frame of this test is right", () => {
      expect(decodeStatistics(withSums(0x91, 0xc4, 8, ...f64(2))).statistics.size).toBe(1);
    });

    it.each([
      ["a list of 4 billion", [0xdd, 0xff, 0xff, 0xff, 0xff]],
      ["a map of 4 billion", [0xdf, 0xff, 0xff, 0xff, 0xff]],
      ["a list of 65535", [0xdc, 0xff, 0xff]],
      ["a map of 65535", [0xde, 0xff, 0xff]],
      ["4 GB of bytes", [0xc6, 0xff, 0xff, 0xff, 0xff]],
      ["4 GB of text", [0xdb, 0xff, 0xff, 0xff, 0xff]],
      ["a length that is cut off", [0xdd, 0xff]],
      ["a list of two with one value", [0x92, 0x01]],
      ["a map of one with a key alone", [0x81, 0x01]],
      ["100,000 nested lists", Array(100_000).fill(0x91)],
      ["the byte that MessagePack never uses", [0xc1]],
      ["an extension", [0xd4, 0x01, 0x00]],
      ["a large extension", [0xc7, 0x01, 0x01, 0x00]],
      ["a record definition of msgpackr", [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01]],
    ])("%s", (_, tail) => {
      expect(failure(() => decodeStatisticsFile(withSums(...tail))).code).toBe("malformed");
    });

    it("a key that would replace the prototype", () => {
      const start = file({ moments: [] }).subarray(0, -packed({ sums: [f64(2)] }).length);
      const proto = [0x91, 0x81, 0xa9, ...Buffer.from("__proto__"), 0x81, 0xa4, ...Buffer.from("kind"), 0xa1, 0x57];
      const bad = Uint8Array.from([...start, ...proto, ...packed({ sums: [] }).subarray(1)]);
      expect(failure(() => decodeStatisticsFile(bad)).code).toBe("malformed");
    });
  });

  it("never fails otherwise than with a StatisticsError, whatever byte is changed", () => {
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0x00, 0x7f, 0x80, 0x91, 0xc1, 0xc7, 0xd4, 0xdd, 0xdf, 0xff]) {
        try {
          decodeStatisticsFile(bytes.with(at, value));
        } catch (error) {
          if (!isStatisticsError(error)) throw error;
        }
      }
    }
  });
});

it("the sums of the fixture depend on the order of additions, so that these tests can tell", () => {
  const [squares] = fileWith(ALL).moments;
  const total = (shards: readonly number[]) =>
    shards.reduce((sum, shard) => sum + shardSum(squares!, shard).values[0]!, 0);
  expect(total(ALL.toReversed())).not.toBe(total(ALL));
});
