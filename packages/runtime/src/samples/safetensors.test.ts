import { decodeSafetensors, isRunnerError, type RunnerError } from "@espalier/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

function file(header: unknown, data = new Uint8Array(0), length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const entry = (dtype: string, shape: unknown, data_offsets: unknown) => ({ dtype, shape, data_offsets });

function failure(bytes: Uint8Array): RunnerError {
  try {
    decodeSafetensors(bytes, "a.safetensors");
  } catch (error) {
    if (isRunnerError(error, "bad-samples")) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("decodeSafetensors", () => {
  it.each([
    ["F64", "float64", Float64Array.of(1e300, -0)],
    ["F32", "float32", Float32Array.of(1.5, Number.NaN)],
    ["F16", "float16", Uint16Array.of(0x3c00, 0x7e01)],
    ["BF16", "bfloat16", Uint16Array.of(0x3f80, 0x8000)],
    ["I64", "int64", BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n)],
    ["I32", "int32", Int32Array.of(-5, 258)],
    ["I16", "int16", Int16Array.of(-5, 258)],
    ["I8", "int8", Int8Array.of(-5, 5)],
    ["U64", "uint64", BigUint64Array.of(0n, 2n ** 64n - 1n)],
    ["U32", "uint32", Uint32Array.of(0, 2 ** 32 - 1)],
    ["U16", "uint16", Uint16Array.of(0, 65535)],
    ["U8", "uint8", Uint8Array.of(0, 255)],
    ["BOOL", "bool", Uint8Array.of(0, 1)],
  ] as const)("reads %s as %s", (type, dtype, data) => {
    const bytes = new Uint8Array(data.buffer);
    // An odd header length makes the data unaligned.
    const header = `${JSON.stringify({ x: entry(type, [2, 1], [0, bytes.length]) })} `;
    for (const text of [header, `${header} `]) {
      expect(decodeSafetensors(file(text, bytes)).get("x")).toStrictEqual({ dtype, dims: [2, 1], data });
    }
  });

  it("gives arrays in the order of the data, and leaves the metadata out", () => {
    const bytes = file(
      {
        __metadata__: { format: "pt" },
        second: entry("U8", [1], [2, 3]),
        first: entry("U8", [2], [0, 2]),
        empty: entry("F32", [0, 4], [3, 3]),
        scalar: entry("U8", [], [3, 4]),
      },
      Uint8Array.of(1, 2, 3, 4),
    );
    expect([...decodeSafetensors(bytes)].map(([name, { dims, data }]) => [name, dims, [...data]])).toEqual([
      ["first", [2], [1, 2]],
      ["second", [1], [3]],
      ["empty", [0, 4], []],
      ["scalar", [], [4]],
    ]);
  });

  const data = Uint8Array.of(1, 2, 3, 4);
  // {"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}} has 53 bytes: the data begin at 61; with BOOL they would at 63.
  it.each([
    ["a file shorter than a length", new Uint8Array(7), 0, "7 bytes"],
    ["a header longer than the file", file({}, data, 1000n), 0, "a header of 1000 bytes, but 6 follow"],
    ["a header of 2⁶³ bytes", file({}, data, 2n ** 63n), 0, "a header of 9223372036854775808 bytes"],
    ["a header that is no JSON", file("{nope"), 8, "not JSON"],
    ["a header that is no UTF-8", file({}).with(8, 0xff), 8, "not JSON"],
    ["a list for a header", file([]), 8, "not a JSON object"],
    ["an entry that is no object", file({ x: 3 }), 8, '"x"'],
    ["a float8 type", file({ x: entry("F8_E4M3", [4], [0, 4]) }, data), 8, '"F8_E4M3"'],
    ["a type named like an Object method", file({ x: entry("toString", [4], [0, 4]) }, data), 8, '"toString"'],
    ["a negative size", file({ x: entry("U8", [-4], [0, 4]) }, data), 8, "shape"],
    ["a shape that is no list", file({ x: entry("U8", 4, [0, 4]) }, data), 8, "shape"],
    ["three offsets", file({ x: entry("U8", [4], [0, 4, 4]) }, data), 8, "data_offsets"],
    ["an end before the beginning", file({ x: entry("U8", [4], [4, 0]) }, data), 8, "data_offsets give -4"],
    [
      "a shape that needs other bytes",
      file({ x: entry("F32", [2], [0, 4]) }, data),
      8,
      "needs 8 bytes, data_offsets give 4",
    ],
    [
      "a shape whose size overflows",
      file({ x: entry("F32", [2 ** 52, 2 ** 52], [0, 4]) }, data),
      8,
      "data_offsets give 4",
    ],
    ["data that are cut off", file({ x: entry("U8", [5], [0, 5]) }, data), 61, "ends at byte 5 of 4"],
    ["a hole", file({ x: entry("U8", [3], [1, 4]) }, data), 62, "begins at byte 1 of the data, expected 0"],
    ["an overlap", file({ x: entry("U8", [3], [0, 3]), y: entry("U8", [2], [2, 4]) }, data), 115, "expected 3"],
    ["bytes that belong to nothing", file({ x: entry("U8", [3], [0, 3]) }, data), 64, "1 bytes belong to no array"],
    ["a bool of 3", file({ x: entry("BOOL", [4], [0, 4]) }, Uint8Array.of(0, 1, 3, 1)), 65, "a bool of 3"],
  ])("refuses %s", (_, bytes, offset, text) => {
    const error = failure(bytes);
    expect(error.message).toContain("a.safetensors");
    expect(error.message).toContain(text);
    expect(error.context.offset).toBe(offset);
  });

  it("never fails otherwise than with bad-samples, whatever is done to a file", () => {
    const good = file({ x: entry("U8", [3], [0, 3]), y: entry("BOOL", [1], [3, 4]) }, Uint8Array.of(1, 2, 3, 1));
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.nat(good.length), (changes, length) => {
        const copy = new Uint8Array(good);
        for (const [at, value] of changes) copy[at] = value;
        try {
          decodeSafetensors(copy.subarray(0, length));
        } catch (error) {
          if (!isRunnerError(error, "bad-samples")) throw error;
        }
      }),
      { seed: 14, numRuns: 2000 },
    );
  });
});
