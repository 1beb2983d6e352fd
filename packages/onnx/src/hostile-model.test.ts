import { decodeModel, encodeModel, isOnnxError, tensorBytes, walkTensors } from "@espalier/onnx";
import { describe, expect, it } from "vitest";
import { paddedRecord, richModel, text, varintField } from "../fixtures/rich-model.js";
import { type ByteSource, memorySource } from "../src/byte-source.js";
import { scan } from "../src/scan.js";
import { concat, record, varintBytes } from "../src/wire-record.js";

/** `levels` fields around each other, outermost first in `fields`, which is repeated. */
function nested(fields: readonly number[], levels: number): Uint8Array {
  const headers: Uint8Array[] = [];
  let length = 0;
  for (let level = levels - 1; level >= 0; level--) {
    const header = concat([varintBytes(fields[level % fields.length]! * 8 + 2), varintBytes(length)]);
    headers.push(header);
    length += header.length;
  }
  return concat(headers.reverse());
}

function groups(levels: number): Uint8Array {
  const start = varintBytes(500 * 8 + 3);
  const end = varintBytes(500 * 8 + 4);
  return concat([...Array<Uint8Array>(levels).fill(start), ...Array<Uint8Array>(levels).fill(end)]);
}

function times(count: number, bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(count * bytes.length);
  for (let at = 0; at < all.length; at += bytes.length) all.set(bytes, at);
  return all;
}

const graphOf = (...parts: Uint8Array[]) => record(7, concat(parts));
const nodeWith = (...parts: Uint8Array[]) => graphOf(record(1, concat(parts)));
const tensorWith = (...parts: Uint8Array[]) => graphOf(record(5, concat(parts)));
const EMPTY = new Uint8Array(0);
const TEN_TO_FIVE = 100_000;

/** Hostile bytes, the code of the error, and the offset where it is known. */
const CASES: readonly [string, () => Uint8Array, string, number?][] = [
  // A skipper that recurses once a group overflows the stack.
  ["10^5 nested unknown groups", () => concat([graphOf(), groups(TEN_TO_FIVE)]), "too-deep"],
  ["10^5 nested groups inside a tensor", () => tensorWith(groups(TEN_TO_FIVE)), "too-deep"],
  // graph → node → attribute → graph → …
  ["10^5 nested subgraphs", () => record(7, nested([1, 5, 6], TEN_TO_FIVE)), "too-deep"],
  // type → sequence → type → … : protobuf-es would recurse.
  ["10^5 nested sequence types", () => graphOf(record(11, record(2, nested([4, 1], TEN_TO_FIVE)))), "too-deep"],
  ["10^5 nested optional types", () => graphOf(record(11, record(2, nested([9, 1], TEN_TO_FIVE)))), "too-deep"],
  // 2 bytes of file become 300 bytes of objects.
  ["4 million empty nodes", () => graphOf(times(4_000_000, record(1, EMPTY))), "too-large"],
  // Lengths.
  ["a length beyond the end of the file", () => Uint8Array.of(0x3a, 100, 0), "truncated", 1],
  [
    "a length beyond the message around it",
    () => concat([record(7, Uint8Array.of(0x0a, 5)), new Uint8Array(9)]),
    "malformed",
    3,
  ],
  [
    "a length of 2^32, which 32-bit arithmetic takes for 0",
    () => concat([Uint8Array.of(0x3a), varintBytes(2 ** 32)]),
    "truncated",
  ],
  ["a length of 2^64 - 1", () => Uint8Array.of(0x3a, ...Array(9).fill(0xff), 1), "truncated", 1],
  ["a length of 11 bytes", () => Uint8Array.of(0x3a, ...Array(10).fill(0x80), 0), "malformed", 1],
  ["a length without an end", () => Uint8Array.of(0x3a, 0x80), "truncated", 1],
  ["raw_data longer than its tensor", () => tensorWith(Uint8Array.of(0x4a, 9, 1)), "truncated"],
  ["a tag without a value", () => graphOf(Uint8Array.of(0x0a)), "truncated"],
  ["packed floats of 6 bytes", () => tensorWith(record(4, new Uint8Array(6))), "malformed"],
  ["packed attribute floats of 6 bytes", () => nodeWith(record(5, record(7, new Uint8Array(6)))), "malformed"],
  [
    "packed integers whose last one has no end",
    () => nodeWith(record(5, record(8, Uint8Array.of(1, 0x80)))),
    "truncated",
  ],
  ["a float that the file ends in", () => nodeWith(record(5, Uint8Array.of(0x15, 0, 0))), "truncated"],
  // Tags.
  ["field number 0", () => graphOf(Uint8Array.of(0x02, 0)), "malformed", 2],
  ["wire type 6", () => graphOf(Uint8Array.of(0x0e, 0)), "malformed", 2],
  ["a tag of more than 32 bits", () => graphOf(varintBytes(2 ** 32 + 10), Uint8Array.of(0)), "malformed", 2],
  ["a small tag in 6 bytes", () => graphOf(Uint8Array.of(0x8a, 0x80, 0x80, 0x80, 0x80, 0, 0)), "malformed", 2],
  ["the end of a group that never started", () => graphOf(varintBytes(500 * 8 + 4)), "malformed", 2],
  ["a group that ends as another", () => graphOf(varintBytes(500 * 8 + 3), varintBytes(501 * 8 + 4)), "malformed"],
  ["a group that does not end", () => graphOf(varintBytes(500 * 8 + 3)), "truncated"],
  // protobuf-es reads known fields by their type, whatever the wire type says, and would lose its place.
  ["a node that is a number", () => graphOf(varintField(1, 5)), "malformed", 2],
  ["raw_data that is a number", () => tensorWith(varintField(9, 5)), "malformed", 4],
  ["a data type that is a text", () => tensorWith(record(2, text("float"))), "malformed", 4],
  ["a name that is a group", () => graphOf(Uint8Array.of(0x13, 0x14)), "malformed", 2],
  // Merged by protobuf into one tensor with two places in the file.
  [
    "an attribute with two tensors in its single field",
    () => nodeWith(record(5, times(2, record(5, record(9, text("data")))))),
    "malformed",
  ],
  ["a sparse tensor with values twice", () => graphOf(record(15, times(2, record(1, EMPTY)))), "malformed"],
  [
    "an attribute with a sparse tensor in two parts",
    () => nodeWith(record(5, concat([record(22, record(1, EMPTY)), record(22, record(1, EMPTY))]))),
    "malformed",
  ],
];

/** Small things that take more memory than file; each is refused under a limit of 1 MiB, and by the same sum under the real one. */
const MULTIPLIERS: readonly [string, (count: number) => Uint8Array][] = [
  ["nodes", (count) => graphOf(times(count, record(1, EMPTY)))],
  ["tensors", (count) => graphOf(times(count, record(5, EMPTY)))],
  ["functions", (count) => concat([graphOf(), times(count, record(25, EMPTY))])],
  ["metadata entries", (count) => concat([graphOf(), times(count, record(14, EMPTY))])],
  ["external data entries", (count) => tensorWith(times(count, record(13, EMPTY)))],
  ["data locations", (count) => tensorWith(times(count, varintField(14, 1)))],
  ["unknown fields", (count) => concat([graphOf(), times(count, varintField(15, 1))])],
  ["unknown fields of a tensor", (count) => tensorWith(times(count, varintField(15, 1)))],
  ["names", (count) => nodeWith(times(count, record(1, EMPTY)))],
  ["characters", (count) => graphOf(record(2, new Uint8Array(50 * count)))],
  ["packed integers", (count) => nodeWith(record(5, record(8, new Uint8Array(count))))],
  ["single integers", (count) => nodeWith(record(5, times(count, varintField(8, 1))))],
  ["packed floats", (count) => nodeWith(record(5, record(7, new Uint8Array(4 * count))))],
  ["dims", (count) => tensorWith(record(1, new Uint8Array(count)))],
  // Two fields in turn, so that no run of values is longer than one.
  ["runs of tensor data", (count) => tensorWith(times(count, concat([varintField(5, 1), varintField(7, 1)])))],
];

describe("decodeModel of hostile bytes", () => {
  it.each(CASES)("refuses %s", (_, build, code, offset) => {
    const attempt = () => decodeModel(build());
    expect(attempt).toThrow(
      expect.objectContaining({ name: "OnnxError", code, ...(offset !== undefined && { offset }) }),
    );
  });

  it.each(MULTIPLIERS)("counts the memory of %s before it is used", (_, build) => {
    const limit = 2 ** 20;
    expect(() => scan(memorySource(build(20_000)), limit)).toThrow(expect.objectContaining({ code: "too-large" }));
    expect(scan(memorySource(build(100)), limit).skeleton.length).toBeGreaterThan(0);
  });

  it("does not count numeric data of tensors, however long", () => {
    const values = [
      record(9, new Uint8Array(2 ** 21)),
      record(4, new Uint8Array(2 ** 21)),
      record(5, new Uint8Array(2 ** 21)),
    ];
    const singles = times(2 ** 18, concat([Uint8Array.of(0x25), new Uint8Array(4)]));
    for (const value of [...values, singles]) {
      expect(scan(memorySource(tensorWith(value)), 2 ** 12).skeleton.length).toBeLessThan(20);
    }
  });

  it("refuses a file over 2 GB before it reads any of it", () => {
    const unread = () => {
      throw new Error("read");
    };
    const source: ByteSource = { size: 2 ** 31, read: unread, readInto: unread };
    expect(() => scan(source)).toThrow(expect.objectContaining({ code: "too-large" }));
  });

  it("refuses a model cut off after any byte of its graph as truncated", () => {
    const bytes = richModel();
    const end = 6 + graphLength(bytes);
    const codes = new Set<string>();
    for (let cut = 1; cut < end; cut++) codes.add(codeOf(() => decodeModel(bytes.slice(0, cut))));
    expect([...codes]).toEqual(["truncated"]);
  });

  it("reads a model cut off after its graph exactly when the cut is between two fields", () => {
    const bytes = richModel();
    const start = 6 + graphLength(bytes);
    let whole = 0;
    for (let cut = start; cut <= bytes.length; cut++) {
      const part = bytes.slice(0, cut);
      const code = codeOf(() => expect(encodeModel(decodeModel(part))).toEqual(part));
      expect(["none", "truncated"]).toContain(code);
      if (code === "none") whole++;
    }
    expect(whole).toBe(16);
  });

  it("accepts nesting up to the limit of 100 messages and groups", () => {
    // model, graph, value, type: 4 levels; then sequence and type in turn.
    const types = (levels: number) => graphOf(record(11, record(2, nested([4, 1], levels))));
    expect(encodeModel(decodeModel(types(96)))).toEqual(types(96));
    expect(codeOf(() => decodeModel(types(97)))).toBe("too-deep");
    const unknown = (levels: number) => concat([graphOf(), groups(levels)]);
    expect(encodeModel(decodeModel(unknown(99)))).toEqual(unknown(99));
    expect(codeOf(() => decodeModel(unknown(100)))).toBe("too-deep");
  });
});

describe("decodeModel of odd but allowed bytes", () => {
  const single = (...parts: Uint8Array[]) => {
    const bytes = tensorWith(...parts);
    const model = decodeModel(bytes);
    expect(encodeModel(model)).toEqual(bytes);
    const [entry] = [...walkTensors(model.proto)];
    return { tensor: entry!.tensor, data: () => tensorBytes(model, entry!.tensor) };
  };
  const uint8 = varintField(2, 2);

  it("takes the last of several values of a single field", () => {
    const { tensor, data } = single(
      uint8,
      varintField(2, 3),
      record(8, text("a")),
      record(8, text("b")),
      record(9, text("x")),
      record(9, text("y")),
    );
    expect([tensor.name, tensor.dataType, data()]).toEqual(["b", 3, text("y")]);
  });

  it("is not fooled by fields that look like tensor data but belong to nobody", () => {
    // raw_data inside an unknown message, inside an unknown group, and as the text of a name.
    const fake = record(9, text("fake"));
    const group = concat([varintBytes(500 * 8 + 3), fake, varintBytes(500 * 8 + 4)]);
    const { data } = single(
      record(999, fake),
      group,
      record(8, fake),
      uint8,
      varintField(1, 4),
      record(9, text("real")),
      record(12, fake),
    );
    expect(data()).toEqual(text("real"));
  });

  it("tells tensors apart whose data is empty, and empty byte fields of others", () => {
    const empty = record(5, concat([record(9, EMPTY), record(8, text("e")), varintField(1, 0), uint8]));
    const full = record(5, concat([record(9, text("z")), record(8, text("f")), uint8]));
    const bytes = graphOf(empty, record(1, record(5, record(4, EMPTY))), empty, full, empty);
    const model = decodeModel(bytes);
    expect([...walkTensors(model.proto)].map(({ tensor }) => tensorBytes(model, tensor))).toEqual([
      EMPTY,
      EMPTY,
      text("z"),
      EMPTY,
    ]);
  });

  it("keeps overlong numbers and lengths", () => {
    const overlong = Uint8Array.of(0x10, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0);
    const { tensor, data } = single(overlong, varintField(1, 3), paddedRecord(9, text("abc")));
    expect([tensor.dataType, data()]).toEqual([2, text("abc")]);
  });

  it("keeps enum values that nobody knows", () => {
    const { tensor } = single(varintField(14, 77));
    expect(tensor.dataLocation).toBe(0);
  });
});

/** The code of the `OnnxError` that an action ends with, `"none"` when it ends well; other errors come out. */
function codeOf(action: () => unknown): string {
  try {
    action();
    return "none";
  } catch (error) {
    if (isOnnxError(error)) return error.code;
    throw error;
  }
}

/** Length of the main graph of the rich model, which starts with tag and 5-byte length. */
function graphLength(bytes: Uint8Array): number {
  return [1, 2, 3, 4, 5].reduce((sum, at) => sum + (bytes[at]! & 0x7f) * 2 ** (7 * (at - 1)), 0);
}
