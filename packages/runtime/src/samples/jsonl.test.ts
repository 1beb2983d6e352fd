import { decodeJsonl, isRunnerError, type RunnerError, type ValueInfo } from "@espalier/runtime";
import { describe, expect, it } from "vitest";

const info = (name: string, dtype: ValueInfo["dtype"], dims: ValueInfo["dims"]): ValueInfo => ({ name, dtype, dims });
const ids = info("ids", "int64", ["batch", "seq"]);
const text = (...lines: unknown[]) =>
  new TextEncoder().encode(lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));

function failure(bytes: Uint8Array, inputs: readonly ValueInfo[]): RunnerError {
  try {
    decodeJsonl(bytes, inputs, "a.jsonl");
  } catch (error) {
    if (isRunnerError(error, "bad-samples")) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("decodeJsonl", () => {
  it("gives ragged samples with a batch axis of 1, in the model's dtype", () => {
    const set = decodeJsonl(text({ ids: [5, 6, 7] }, { ids: [8] }), [ids]);
    expect(set.count).toBe(2);
    expect([...set]).toEqual([
      { ids: { dtype: "int64", dims: [1, 3], data: BigInt64Array.of(5n, 6n, 7n) } },
      { ids: { dtype: "int64", dims: [1, 1], data: BigInt64Array.of(8n) } },
    ]);
  });

  it("flattens nested arrays row by row, and takes a plain number for an input of rank 1", () => {
    const inputs = [info("image", "float32", ["N", 2, null]), info("scale", "float64", ["N"])];
    expect(
      decodeJsonl(
        text({
          image: [
            [1, 2, 3],
            [4, 5, 6.5],
          ],
          scale: 0.1,
        }),
        inputs,
      ).at(0),
    ).toEqual({
      image: { dtype: "float32", dims: [1, 2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6.5) },
      scale: { dtype: "float64", dims: [1], data: Float64Array.of(0.1) },
    });
  });

  it("takes a sample of length 0 where the size is open", () => {
    expect(decodeJsonl(text({ ids: [] }), [ids]).at(0).ids).toEqual({
      dtype: "int64",
      dims: [1, 0],
      data: new BigInt64Array(0),
    });
  });

  it("takes any shape where the model states no rank", () => {
    const free = info("x", "float32", []);
    const set = decodeJsonl(text({ x: [[1, 2]] }, { x: 3 }), [free]);
    expect([...set].map(({ x }) => x!.dims)).toEqual([[1, 1, 2], [1]]);
  });

  it("skips empty lines, reads Windows line ends and a byte order mark", () => {
    const bytes = new TextEncoder().encode('\ufeff{"ids":[1]}\r\n\r\n{"ids":[2]}\r\n');
    expect([...decodeJsonl(bytes, [ids])].map((sample) => [...sample.ids!.data])).toEqual([[1n], [2n]]);
  });

  it.each([
    ["float32", [1.1], Float32Array.of(1.1)],
    // 1 + 2⁻¹¹ is a tie of float16 and goes to even; a little more goes up.
    ["float16", [1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -40], Uint16Array.of(0x3c00, 0x3c01)],
    ["bfloat16", [1, -2], Uint16Array.of(0x3f80, 0xc000)],
    ["int8", [-128, 127], Int8Array.of(-128, 127)],
    ["uint32", [2 ** 32 - 1], Uint32Array.of(2 ** 32 - 1)],
    ["uint64", [2 ** 53 - 1], BigUint64Array.of(2n ** 53n - 1n)],
    ["bool", [true, false, 1, 0], Uint8Array.of(1, 0, 1, 0)],
    ["string", ["a", "né"], ["a", "né"]],
  ] as const)("puts values into %s", (dtype, values, data) => {
    const sample = decodeJsonl(text({ x: values }), [info("x", dtype, ["N", "k"])]).at(0);
    expect(sample.x).toStrictEqual({ dtype, dims: [1, values.length], data });
  });

  it.each([
    ["int8", "128", "an integer from -128 to 127, found 128"],
    ["uint8", "-1", "an integer from 0 to 255, found -1"],
    ["int32", "1.5", "an integer from -2147483648 to 2147483647, found 1.5"],
    // Parsed it is 2⁵³: the last digit is lost.
    ["int64", "9007199254740993", "an integer from -9007199254740991 to 9007199254740991"],
    ["float32", "1e300", "a number that float32 can hold, found 1e+300"],
    ["float16", "65520", "a number that float16 can hold, found 65520"],
    ["float64", "1e999", "a number that float64 can hold"],
    ["bool", "2", "true, false, 0 or 1, found 2"],
    ["bool", '"true"', 'true, false, 0 or 1, found "true"'],
    ["float32", '"1"', 'a number, found "1"'],
    ["float32", "null", "a number, found null"],
    ["float32", "true", "a number, found true"],
    ["string", "5", "a text, found 5"],
  ] as const)("refuses what %s cannot hold: %s", (dtype, value, message) => {
    const good = { bool: "true", string: '"a"' }[dtype as string] ?? "0";
    const error = failure(text(`{"x":[${good},${value}]}`), [info("x", dtype, ["N", "k"])]);
    expect(error.message).toContain(`a.jsonl, line 1, input "x": expected ${message}`);
    expect(error.message).toContain("at index 1");
  });

  it.each([
    ["no JSON", ['{"ids":[1]}', "{ids: 1}"], "line 2: not JSON", { line: 2 }],
    ["a list", ["[1]"], "line 1: expected an object", { line: 1 }],
    [
      "a missing input",
      [{ ids: [1] }, { id: [1] }],
      'line 2, input "ids": it is missing; the line holds "id"',
      { line: 2, sample: 1, input: "ids" },
    ],
    ["an input that only Object.prototype has", [{}], "it is missing; the line holds none", {}],
    ["rows of different lengths", [{ ids: [[1], [2, 3]] }], "rows of different lengths", { line: 1 }],
    ["a row beside a number", [{ ids: [1, [2]] }], "rows of different lengths", {}],
    ["a number beside a row", [{ ids: [[1], 2] }], "rows of different lengths", {}],
    ["another rank", [{ ids: 5 }], "expected int64 [1, seq], found int64 [1]", { found: "int64 [1]" }],
    ["the batch axis", [{ ids: [[5]] }], "The batch axis is added for you", {}],
    ["no samples", ["", "  "], "it holds no samples", {}],
  ])("refuses %s, naming the line", (_, lines, message, context) => {
    const error = failure(text(...lines), [ids]);
    expect(error.message).toContain(message);
    expect(error.context).toMatchObject(context);
  });

  it("counts lines of the file, not samples", () => {
    expect(failure(text("", "", { ids: 5 }), [ids]).context).toMatchObject({ line: 3, sample: 0 });
  });

  it("refuses another fixed size, but not another batch size", () => {
    const fixed = info("x", "float32", [8, 2]);
    expect(decodeJsonl(text({ x: [1, 2] }), [fixed]).at(0).x!.dims).toEqual([1, 2]);
    expect(failure(text({ x: [1, 2, 3] }), [fixed]).message).toContain("expected float32 [1, 2], found float32 [1, 3]");
  });

  it("refuses nesting that is deeper than any tensor, at any depth", () => {
    for (const depth of [17, 5000]) {
      const nested = `{"ids":${"[".repeat(depth)}${"]".repeat(depth)}}`;
      expect(failure(text(nested), [ids]).message).toContain("more than 16 levels");
    }
    const hidden = `{"ids":[[1],${"[".repeat(5000)}${"]".repeat(5000)}]}`;
    expect(failure(text(hidden), [ids]).message).toContain("rows of different lengths");
  });

  it("refuses bytes that are no text", () => {
    expect(failure(Uint8Array.of(0x80, 0x81), [ids]).message).toContain("not UTF-8");
  });

  describe("keeps what is no input as extras:", () => {
    const set = decodeJsonl(
      text(
        { ids: [1], label: 3, score: 1, tag: "a", good: true, box: [1, 2], mixed: 1, note: null },
        { ids: [2], label: 4, score: 0.5, tag: "b", good: false, box: [3, 4], mixed: "x", note: {} },
      ),
      [ids],
    );

    it("their names, in the order they appear", () => {
      expect(set.extras).toEqual(["label", "score", "tag", "good", "box", "mixed", "note"]);
    });

    it("integers as int64, other numbers as float64, bools and texts as such", () => {
      expect(set.extra("label")).toEqual([
        { dtype: "int64", dims: [1], data: BigInt64Array.of(3n) },
        { dtype: "int64", dims: [1], data: BigInt64Array.of(4n) },
      ]);
      expect(set.extra("score")[1]).toEqual({ dtype: "float64", dims: [1], data: Float64Array.of(0.5) });
      expect(set.extra("tag")[0]).toEqual({ dtype: "string", dims: [1], data: ["a"] });
      expect(set.extra("good")[1]).toEqual({ dtype: "bool", dims: [1], data: Uint8Array.of(0) });
      expect(set.extra("box")[1]).toEqual({ dtype: "int64", dims: [1, 2], data: BigInt64Array.of(3n, 4n) });
    });

    it("one dtype for all samples: float64 as soon as one number is no integer", () => {
      expect(set.extra("score")[0]).toEqual({ dtype: "float64", dims: [1], data: Float64Array.of(1) });
    });

    it("refused when asked for, if they are mixed, objects or missing", () => {
      for (const name of ["mixed", "note", "nope", "ids"]) {
        expect(() => set.extra(name)).toThrow(expect.objectContaining({ code: "bad-samples" }));
      }
    });
  });
});
