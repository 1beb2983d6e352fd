import { decodeNpy, isRunnerError, type RunnerError } from "@espalier/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

interface NpyParts {
  readonly descr: string;
  readonly shape: string;
  readonly fortran?: boolean;
  readonly version?: 1 | 2 | 3;
  readonly data?: Uint8Array;
}

/** A `.npy` file as numpy writes it: the header padded with spaces to a multiple of 64 bytes. */
function npy({ descr, shape, fortran = false, version = 1, data = new Uint8Array(0) }: NpyParts): Uint8Array {
  const quoted = descr.startsWith("[") ? descr : `'${descr}'`;
  return withHeader(
    `{'descr': ${quoted}, 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${shape}, }`,
    version,
    data,
  );
}

function withHeader(dict: string, version: number, data: Uint8Array): Uint8Array {
  const prefix = version === 1 ? 10 : 12;
  const text = new TextEncoder().encode(dict);
  const length = Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix;
  const file = new Uint8Array(prefix + length + data.length).fill(0x20, 0, prefix + length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(file.buffer);
  if (version === 1) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  file.set(text, prefix);
  file[prefix + length - 1] = 0x0a;
  file.set(data, prefix + length);
  return file;
}

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The same elements with the most significant byte first. */
function bigEndian(array: ArrayBufferView & { BYTES_PER_ELEMENT: number }): Uint8Array {
  const bytes = new Uint8Array(bytesOf(array));
  for (let at = 0; at < bytes.length; at += array.BYTES_PER_ELEMENT) {
    bytes.subarray(at, at + array.BYTES_PER_ELEMENT).reverse();
  }
  return bytes;
}

function failure(bytes: Uint8Array): RunnerError {
  try {
    decodeNpy(bytes, "x.npy");
  } catch (error) {
    if (isRunnerError(error, "bad-samples")) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const numeric = [
  ["f2", "float16", Uint16Array.of(0x3c00, 0x8000, 0x7e01)],
  ["f4", "float32", Float32Array.of(1.5, -0, Number.NaN)],
  ["f8", "float64", Float64Array.of(1e300, -0, Math.PI)],
  ["i1", "int8", Int8Array.of(-128, 0, 127)],
  ["i2", "int16", Int16Array.of(-32768, 258, 32767)],
  ["i4", "int32", Int32Array.of(-(2 ** 31), 258, 2 ** 31 - 1)],
  ["i8", "int64", BigInt64Array.of(-(2n ** 63n), 258n, 2n ** 53n + 1n)],
  ["u1", "uint8", Uint8Array.of(0, 1, 255)],
  ["u2", "uint16", Uint16Array.of(0, 258, 65535)],
  ["u4", "uint32", Uint32Array.of(0, 258, 2 ** 32 - 1)],
  ["u8", "uint64", BigUint64Array.of(0n, 258n, 2n ** 64n - 1n)],
  ["b1", "bool", Uint8Array.of(0, 1, 1)],
] as const;

describe("decodeNpy", () => {
  it.each(numeric)("reads %s as %s, in both byte orders", (type, dtype, data) => {
    const expected = { dtype, dims: [3], data };
    const order = data.BYTES_PER_ELEMENT === 1 ? "|" : "<";
    expect(decodeNpy(npy({ descr: order + type, shape: "(3,)", data: bytesOf(data) }))).toStrictEqual(expected);
    expect(decodeNpy(npy({ descr: `=${type}`, shape: "(3,)", data: bytesOf(data) }))).toStrictEqual(expected);
    expect(decodeNpy(npy({ descr: `>${type}`, shape: "(3,)", data: bigEndian(data) }))).toStrictEqual(expected);
  });

  it.each([1, 2, 3] as const)("reads format version %i", (version) => {
    const data = bytesOf(Float32Array.of(1, 2));
    expect(decodeNpy(npy({ descr: "<f4", shape: "(1, 2)", version, data })).dims).toEqual([1, 2]);
  });

  it("reads a scalar, empty arrays, and the suffix that Python 2 wrote for long integers refused", () => {
    const one = bytesOf(Float32Array.of(7));
    expect(decodeNpy(npy({ descr: "<f4", shape: "()", data: one }))).toEqual({
      dtype: "float32",
      dims: [],
      data: Float32Array.of(7),
    });
    expect(decodeNpy(npy({ descr: "<f4", shape: "(0, 3)" }))).toEqual({
      dtype: "float32",
      dims: [0, 3],
      data: new Float32Array(0),
    });
    expect(failure(npy({ descr: "<f4", shape: "(1L,)", data: one })).message).toContain("shape (1L,)");
  });

  it("reads text of fixed width, without the padding", () => {
    // numpy: np.array(["a", "né", "🌳b"]) has dtype <U2: two code points of 4 bytes each.
    const points = Uint32Array.of(0x61, 0, 0x6e, 0xe9, 0x1f333, 0x62);
    const expected = { dtype: "string", dims: [3], data: ["a", "né", "🌳b"] };
    expect(decodeNpy(npy({ descr: "<U2", shape: "(3,)", data: bytesOf(points) }))).toEqual(expected);
    expect(decodeNpy(npy({ descr: ">U2", shape: "(3,)", data: bigEndian(points) }))).toEqual(expected);
    const ascii = new TextEncoder().encode("ab\0c\0\0");
    expect(decodeNpy(npy({ descr: "|S3", shape: "(2,)", data: ascii })).data).toEqual(["ab", "c"]);
  });

  it("turns Fortran order into C order", () => {
    // [[1, 2, 3], [4, 5, 6]] column by column.
    const data = bytesOf(Float32Array.of(1, 4, 2, 5, 3, 6));
    expect(decodeNpy(npy({ descr: "<f4", shape: "(2, 3)", fortran: true, data }))).toEqual({
      dtype: "float32",
      dims: [2, 3],
      data: Float32Array.of(1, 2, 3, 4, 5, 6),
    });
    const texts = new TextEncoder().encode("acbd");
    expect(decodeNpy(npy({ descr: "|S1", shape: "(2, 2)", fortran: true, data: texts })).data).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
  });

  it("turns Fortran order into C order for every shape", () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 0, maxLength: 4 });
    fc.assert(
      fc.property(shapes, (dims) => {
        const count = dims.reduce((product, dim) => product * dim, 1);
        const rowMajor = Int32Array.from({ length: count }, (_, i) => i);
        // Element (i₀, i₁, …) stands at i₀ + d₀·(i₁ + d₁·(…)).
        const columnMajor = new Int32Array(count);
        for (let flat = 0; flat < count; flat++) {
          let rest = flat;
          const index = [...dims].reverse().map((dim) => {
            const digit = rest % dim;
            rest = (rest - digit) / dim;
            return digit;
          });
          const at = index.reduce((sum, digit, i) => sum * dims[dims.length - 1 - i]! + digit, 0);
          columnMajor[at] = flat;
        }
        const shape = `(${dims.join(", ")}${dims.length === 1 ? "," : ""})`;
        const file = npy({ descr: "<i4", shape, fortran: true, data: bytesOf(columnMajor) });
        expect(decodeNpy(file).data).toEqual(rowMajor);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it("does not depend on where the file begins in memory, and keeps nothing of it", () => {
    const file = npy({ descr: "<f8", shape: "(2,)", data: bytesOf(Float64Array.of(1, 2)) });
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    const { data } = decodeNpy(shifted.subarray(3));
    shifted.fill(0);
    expect(data).toEqual(Float64Array.of(1, 2));
  });

  it("takes the keys of the header in any order and with double quotes", () => {
    const file = withHeader(`{"shape": (1,), "fortran_order": False, "descr": "|u1"}`, 1, Uint8Array.of(9));
    expect(decodeNpy(file).data).toEqual(Uint8Array.of(9));
  });

  describe("refuses, with the file and the offset,", () => {
    const four = bytesOf(Float32Array.of(1));
    const good = npy({ descr: "<f4", shape: "(1,)", data: four });
    const cases: [string, Uint8Array, number, string][] = [
      ["an empty file", new Uint8Array(0), 0, "0 bytes"],
      ["a text file", new TextEncoder().encode("1,2,3\n4,5,6\n"), 0, "numpy.save"],
      ["format version 4", good.with(6, 4), 6, "version 4"],
      ["a file that ends in its length", good.subarray(0, 9), 9, "ends within its header"],
      ["a header that is cut off", good.subarray(0, 40), 8, "only 30 are left"],
      ["a header of 60 KB", withHeader(" ".repeat(60_000), 1, four), 8, "at most 10000"],
      ["a header without a shape", withHeader("{'descr': '<f4', 'fortran_order': False}", 1, four), 10, "'shape'"],
      ["a negative size", npy({ descr: "<f4", shape: "(-1,)", data: four }), 10, "shape (-1,)"],
      ["a size beyond 2⁵³", npy({ descr: "<f4", shape: "(9007199254740993,)", data: four }), 10, "shape (9007"],
      ["65 axes", npy({ descr: "<f4", shape: `(${"1,".repeat(65)})`, data: four }), 10, "at most 64"],
      ["records", npy({ descr: "[('a', '<f4')]", shape: "(1,)", data: four }), 10, "structured"],
      ["objects, which are pickles", npy({ descr: "|O", shape: "(1,)", data: four }), 128, "'|O'"],
      ["complex numbers", npy({ descr: "<c8", shape: "(1,)", data: new Uint8Array(8) }), 128, "'<c8'"],
      ["dates", npy({ descr: "<M8[ns]", shape: "(1,)", data: new Uint8Array(8) }), 128, "M8[ns]"],
      ["float128", npy({ descr: "<f16", shape: "(1,)", data: new Uint8Array(16) }), 128, "'<f16'"],
      ["text of width 0, any number of which would fit", npy({ descr: "<U0", shape: "(999999999,)" }), 128, "'<U0'"],
      ["too few bytes", npy({ descr: "<f4", shape: "(2,)", data: four }), 128, "needs 8 bytes, found 4"],
      ["too many bytes", npy({ descr: "<f4", shape: "(1,)", data: new Uint8Array(5) }), 128, "needs 4 bytes, found 5"],
      ["sizes whose product overflows", npy({ descr: "<f8", shape: "(4294967296, 4294967296)" }), 128, "found 0"],
      [
        "a product of infinity and zero",
        npy({ descr: "<f8", shape: `(${"9007199254740991,".repeat(40)} 0)` }),
        768,
        "found 0",
      ],
      ["a bool of 2", npy({ descr: "|b1", shape: "(3,)", data: Uint8Array.of(0, 1, 2) }), 130, "a bool of 2"],
      [
        "half of a surrogate pair",
        npy({ descr: "<U1", shape: "(2,)", data: bytesOf(Uint32Array.of(65, 0xd800)) }),
        132,
        "Unicode",
      ],
      [
        "a code point beyond Unicode",
        npy({ descr: "<U1", shape: "(1,)", data: bytesOf(Uint32Array.of(0x110000)) }),
        128,
        "Unicode",
      ],
      ["bytes that are no UTF-8", npy({ descr: "|S1", shape: "(1,)", data: Uint8Array.of(0xff) }), 128, "Unicode"],
    ];
    it.each(cases)("%s", (_, bytes, offset, text) => {
      const error = failure(bytes);
      expect(error.context).toMatchObject({ entry: "x.npy", offset });
      expect(error.message).toContain(`x.npy, byte ${offset}: `);
      expect(error.message).toContain(text);
    });
  });

  it("never fails otherwise than with bad-samples, whatever is done to a file", () => {
    const file = npy({ descr: "<i2", shape: "(3, 4)", data: new Uint8Array(24) });
    const edits = fc.array(fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.nat(file.length), (changes, length) => {
        const copy = new Uint8Array(file);
        for (const [at, value] of changes) copy[at] = value;
        try {
          decodeNpy(copy.subarray(0, length));
        } catch (error) {
          if (!isRunnerError(error, "bad-samples")) throw error;
        }
      }),
      { seed: 12, numRuns: 2000 },
    );
  });
});
