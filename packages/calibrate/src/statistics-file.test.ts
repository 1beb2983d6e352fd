import {
  decodeStatistics,
  encodeStatistics,
  isStatisticsError,
  StatisticsError,
  type StatisticsHeader,
  type StoredStatistics,
} from "@espalier/calibrate";
import type { Statistics } from "@espalier/core";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";

const header: StatisticsHeader = { model: "0123456789abcdef", samples: { count: 12 } };
const dense: StoredStatistics = { groups: 1, inFeatures: 3, count: 64, sumOfSquares: Float64Array.of(0, 0.1, 1e300) };
const grouped: StoredStatistics = { groups: 2, inFeatures: 2, count: 5, sumOfSquares: Float64Array.of(1, 2, 3, 4) };
const statistics = new Map([
  ["/layer/W", dense],
  ["conv.W", grouped],
]);

function failure(run: () => unknown): StatisticsError {
  try {
    run();
  } catch (error) {
    if (isStatisticsError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** A file with other content than `encodeStatistics` would write. */
const packed = (file: object) => new Uint8Array(new Packr({ useRecords: false, variableMapSize: true }).pack(file));
const weight = (fields: object = {}) => ({
  name: "W",
  groups: 1,
  inFeatures: 1,
  count: 1,
  sumOfSquares: new Uint8Array(Float64Array.of(2).buffer),
  ...fields,
});
const file = (fields: object = {}) =>
  packed({ format: "espalier-statistics", version: 1, model: header.model, weights: [weight()], ...fields });

describe("encodeStatistics", () => {
  it("gives bytes that decode to the same statistics, bit for bit", () => {
    const decoded = decodeStatistics(encodeStatistics(statistics, header));
    expect(decoded.header).toEqual(header);
    expect(decoded.statistics).toEqual(statistics);
    expect(new BigUint64Array(decoded.statistics.get("/layer/W")!.sumOfSquares.buffer)).toEqual(
      new BigUint64Array(dense.sumOfSquares.buffer),
    );
    // As core takes them.
    const forCore: Statistics = decoded.statistics;
    expect(forCore.get("conv.W")!.count).toBe(5);
  });

  it("gives the same bytes whatever the order of the map, and twice in a row", () => {
    const bytes = encodeStatistics(statistics, header);
    expect(encodeStatistics(new Map([...statistics].reverse()), header)).toEqual(bytes);
    expect(encodeStatistics(statistics, header)).toEqual(bytes);
    expect(encodeStatistics(new Map([...statistics, ["x", dense]]), header)).not.toEqual(bytes);
  });

  it("writes what the README specifies, byte for byte", () => {
    const one = new Map([["W", { groups: 1, inFeatures: 1, count: 300, sumOfSquares: Float64Array.of(2) }]]);
    const text = (content: string) => `${(0xa0 + content.length).toString(16)}${Buffer.from(content).toString("hex")}`;
    const expected = [
      "84",
      text("format") + text("espalier-statistics"),
      `${text("version")}01`,
      text("model") + text(header.model),
      `${text("weights")}91`,
      "85",
      text("name") + text("W"),
      `${text("groups")}01`,
      `${text("inFeatures")}01`,
      // uint16, big-endian as MessagePack has it.
      `${text("count")}cd012c`,
      // 2.0 as a little-endian double.
      `${text("sumOfSquares")}c4080000000000000040`,
    ].join("");
    expect(Buffer.from(encodeStatistics(one, { model: header.model })).toString("hex")).toBe(expected);
  });

  it("takes sums that are a view into a larger buffer, and gives bytes of their own", () => {
    const view = Float64Array.of(9, 1, 2, 9).subarray(1, 3);
    const bytes = encodeStatistics(
      new Map([["W", { groups: 1, inFeatures: 2, count: 1, sumOfSquares: view }]]),
      header,
    );
    expect(bytes.byteLength).toBe(bytes.buffer.byteLength);
    expect(decodeStatistics(bytes).statistics.get("W")!.sumOfSquares).toEqual(Float64Array.of(1, 2));
  });

  it("keeps counts beyond 32 bits, no weights at all, and names of any length", () => {
    const long = "é".repeat(70_000);
    const many = { ...dense, count: 2 ** 53 - 1 };
    const back = decodeStatistics(encodeStatistics(new Map([[long, many]]), header));
    expect(back.statistics.get(long)!.count).toBe(2 ** 53 - 1);
    expect(decodeStatistics(encodeStatistics(new Map(), { model: header.model }))).toEqual({
      header: { model: header.model },
      statistics: new Map(),
    });
  });

  it.each([
    ["NaN", { ...dense, sumOfSquares: Float64Array.of(0, Number.NaN, 1) }, "not-finite", { weight: "W", index: 1 }],
    [
      "Infinity",
      { ...dense, sumOfSquares: Float64Array.of(0, 1, Number.POSITIVE_INFINITY) },
      "not-finite",
      { index: 2 },
    ],
    ["a negative sum", { ...dense, sumOfSquares: Float64Array.of(-1, 1, 1) }, "malformed", { index: 0 }],
    ["another length", { ...dense, inFeatures: 4 }, "malformed", { weight: "W" }],
    ["the length of one group only", { ...grouped, groups: 1 }, "malformed", {}],
    ["no positions", { ...dense, count: 0 }, "malformed", {}],
    ["half a position", { ...dense, count: 0.5 }, "malformed", {}],
  ] as const)("refuses %s", (_, stored, code, context) => {
    expect(failure(() => encodeStatistics(new Map([["W", stored]]), header))).toMatchObject({ code, context });
  });

  it.each([
    { model: "" },
    { model: "xyz" },
    { model: "0123456789ABCDEF" },
    { model: "01" },
    { ...header, samples: { count: 0 } },
  ])("refuses the header %j", (bad) => expect(failure(() => encodeStatistics(statistics, bad)).code).toBe("malformed"));
});

describe("decodeStatistics", () => {
  const bytes = encodeStatistics(statistics, header);

  it("reads from any offset of a buffer, and keeps nothing of it", () => {
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const decoded = decodeStatistics(shifted.subarray(3));
    shifted.fill(0);
    expect(decoded.statistics).toEqual(statistics);
  });

  it("ignores keys that it does not know, at every level", () => {
    const later = file({
      gram: { deep: [1, [2]] },
      samples: { count: 3, seed: 1 },
      weights: [weight({ extra: null })],
    });
    expect(decodeStatistics(later)).toEqual({
      header: { model: header.model, samples: { count: 3 } },
      statistics: new Map([["W", { groups: 1, inFeatures: 1, count: 1, sumOfSquares: Float64Array.of(2) }]]),
    });
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["a text file", new TextEncoder().encode("format: espalier-statistics\nversion: 1\n")],
    ["an ONNX model", Uint8Array.of(8, 8, 18, 4, 116, 101, 115, 116)],
    ["another MessagePack map", packed({ hello: 1 })],
    ["a map that names another format", packed({ format: "espalier-statistiks", version: 1 })],
    ["a map with the version first", packed({ version: 1, format: "espalier-statistics" })],
  ])("says of %s that it is no statistics file", (_, other) => {
    expect(failure(() => decodeStatistics(other)).code).toBe("not-statistics");
  });

  it.each([
    [2, "version 2"],
    [0, "version 0"],
    [300, "a later one"],
  ])("refuses version %i whatever else is in it", (version, text) => {
    const error = failure(() =>
      decodeStatistics(packed({ format: "espalier-statistics", version, when: new Date(0) })),
    );
    expect(error.code).toBe("unsupported-version");
    expect(error.message).toContain(text);
  });

  it("refuses every file that is cut off", () => {
    for (let length = 0; length < bytes.length; length++) {
      const { code } = failure(() => decodeStatistics(bytes.subarray(0, length)));
      // The marker takes 36 bytes: 1 + 7 + 20 + 8.
      expect(code).toBe(length < 36 ? "not-statistics" : "malformed");
    }
  });

  it("refuses bytes behind the end", () => {
    expect(failure(() => decodeStatistics(Buffer.concat([bytes, Uint8Array.of(0)])))).toMatchObject({
      code: "malformed",
      context: { offset: bytes.length },
    });
  });

  it.each([
    ["no fingerprint", file({ model: null }), "fingerprint"],
    ["a fingerprint that is no hex", file({ model: "g".repeat(16) }), "fingerprint"],
    ["a fingerprint that is a number", file({ model: 5 }), "fingerprint"],
    ["samples that are no map", file({ samples: 5 }), "map was expected"],
    ["half a sample", file({ samples: { count: 0.5 } }), "samples"],
    ["no weights", file({ weights: null }), "list of weights"],
    ["weights as a map", file({ weights: { W: weight() } }), "list of weights"],
    ["a weight that is a number", file({ weights: [1] }), "map was expected"],
    ["a weight that is bytes", file({ weights: [new Uint8Array(8)] }), "map was expected"],
    ["a weight without a name", file({ weights: [weight({ name: 5 })] }), "no name"],
    ["a weight that is there twice", file({ weights: [weight(), weight()] }), '"W" is there twice'],
    ["sums as a list of numbers", file({ weights: [weight({ sumOfSquares: [2] })] }), "8-byte floats"],
    ["sums of 9 bytes", file({ weights: [weight({ sumOfSquares: new Uint8Array(9) })] }), "8-byte floats"],
    [
      "more sums than features",
      file({ weights: [weight({ sumOfSquares: new Uint8Array(16) })] }),
      "found 2 sums, expected 1 × 1",
    ],
    ["groups of 0", file({ weights: [weight({ groups: 0, sumOfSquares: new Uint8Array(0) })] }), "groups 0"],
    [
      "a product of shapes that overflows",
      file({ weights: [weight({ groups: 2 ** 52, inFeatures: 2 ** 52 })] }),
      "found 1 sums",
    ],
    ["a count as text", file({ weights: [weight({ count: "1" })] }), "count 1"],
    [
      "a negative sum",
      file({ weights: [weight({ sumOfSquares: new Uint8Array(Float64Array.of(-2).buffer) })] }),
      "is -2",
    ],
  ])("refuses %s", (_, bad, text) => {
    const error = failure(() => decodeStatistics(bad));
    expect(error.code).toBe("malformed");
    expect(error.message).toContain(text);
  });

  it("refuses NaN, naming the weight and the index", () => {
    const sumOfSquares = new Uint8Array(Float64Array.of(Number.NaN).buffer);
    expect(failure(() => decodeStatistics(file({ weights: [weight({ sumOfSquares })] })))).toMatchObject({
      code: "not-finite",
      context: { weight: "W", index: 0 },
    });
  });

  describe("refuses what would make a parser allocate or recurse without end:", () => {
    const start = file({ weights: null });
    const weightsKey = packed({ weights: 0 }).subarray(1, -1);
    // `start` with one entry more, whose value is `tail`.
    const withWeights = (...tail: number[]) => {
      const begin = packed({ format: "espalier-statistics", version: 1, model: header.model });
      return Uint8Array.from([0x84, ...begin.subarray(1), ...weightsKey, ...tail]);
    };

    it("the frame of this test is right", () => {
      expect(decodeStatistics(withWeights(0x90)).statistics.size).toBe(0);
      expect(failure(() => decodeStatistics(start)).message).toContain("list of weights");
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
      expect(failure(() => decodeStatistics(withWeights(...tail))).code).toBe("malformed");
    });

    it("a key that would replace the prototype", () => {
      const proto = [0x91, 0x81, 0xa9, ...Buffer.from("__proto__"), 0x81, 0xa4, ...Buffer.from("name"), 0xa1, 0x57];
      expect(failure(() => decodeStatistics(withWeights(...proto))).message).toContain("no name");
    });
  });

  it("never fails otherwise than with a StatisticsError, whatever byte is changed", () => {
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0x00, 0x7f, 0x80, 0x91, 0xc1, 0xc7, 0xd4, 0xdd, 0xdf, 0xff]) {
        try {
          decodeStatistics(bytes.with(at, value));
        } catch (error) {
          if (!isStatisticsError(error)) throw error;
        }
      }
    }
  });
});

describe("isStatisticsError", () => {
  it("knows errors by name and code, also those of another copy of the package", () => {
    expect(isStatisticsError(new StatisticsError("malformed", "x"), "malformed")).toBe(true);
    expect(isStatisticsError(new StatisticsError("malformed", "x"), "not-finite")).toBe(false);
    expect(isStatisticsError(Object.assign(new Error("x"), { name: "StatisticsError", code: "malformed" }))).toBe(true);
    expect(isStatisticsError(new Error("x"))).toBe(false);
    expect(isStatisticsError("malformed")).toBe(false);
  });
});
