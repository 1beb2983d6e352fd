import {
  decodeNpz,
  decodeSamples,
  isRunnerError,
  joinSampleSets,
  openRunner,
  type RunnerError,
  sampleFeeds,
  type Tensor,
  type ValueInfo,
} from "@espalier/runtime";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";

const f32 = (dims: number[], ...values: number[]): Tensor => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(values),
});
const i64 = (dims: number[], ...values: number[]): Tensor => ({
  dtype: "int64",
  dims,
  data: BigInt64Array.from(values.map(BigInt)),
});
const x: ValueInfo = { name: "x", dtype: "float32", dims: ["batch", 2] };
const ids: ValueInfo = { name: "ids", dtype: "int64", dims: ["batch", "seq"] };

const arrays = () =>
  new Map<string, Tensor>([
    ["label", i64([3], 7, 8, 9)],
    ["x", f32([3, 2], 1, 2, 3, 4, 5, 6)],
    ["ids", i64([3, 1], 10, 20, 30)],
  ]);

function failure(run: () => unknown): RunnerError {
  try {
    run();
  } catch (error) {
    if (isRunnerError(error, "bad-samples")) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** The bytes of a `.npy` file of float32 numbers. */
function npyOf(dims: number[], values: number[]): Uint8Array {
  const shape = `(${dims.join(", ")}${dims.length === 1 ? "," : ""})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  const bytes = Buffer.concat([
    Uint8Array.of(0x93),
    Buffer.from("NUMPY\u0001\0v\0", "latin1"),
    Buffer.from(`${header}\n`),
    new Uint8Array(Float32Array.from(values).buffer),
  ]);
  return new Uint8Array(bytes);
}

describe("sampleFeeds", () => {
  it("cuts the arrays along their first axis into feeds of batch size 1", () => {
    const set = sampleFeeds(arrays(), [x, ids]);
    expect(set.count).toBe(3);
    expect([...set]).toEqual([
      { x: f32([1, 2], 1, 2), ids: i64([1, 1], 10) },
      { x: f32([1, 2], 3, 4), ids: i64([1, 1], 20) },
      { x: f32([1, 2], 5, 6), ids: i64([1, 1], 30) },
    ]);
    expect(set.at(2)).toEqual({ x: f32([1, 2], 5, 6), ids: i64([1, 1], 30) });
  });

  it("can be iterated again, and refuses an index that is not there", () => {
    const set = sampleFeeds(arrays(), [x]);
    expect([...set]).toEqual([...set]);
    for (const index of [-1, 3, 0.5]) expect(() => set.at(index)).toThrow(RangeError);
  });

  it("keeps arrays that are no inputs as extras, one row per sample", () => {
    const set = sampleFeeds(arrays(), [x]);
    expect(set.extras).toEqual(["label", "ids"]);
    expect(set.extra("label")).toEqual([i64([1], 7), i64([1], 8), i64([1], 9)]);
    expect(failure(() => set.extra("x")).message).toContain('expected one of "label", "ids"');
    expect(failure(() => set.extra("nope")).context.entry).toBe("nope");
  });

  it("minds an extra of another length only when it is asked for", () => {
    const set = sampleFeeds(
      arrays()
        .set("classes", f32([2], 1, 2))
        .set("scale", f32([], 1)),
      [x],
    );
    expect(set.count).toBe(3);
    expect(failure(() => set.extra("classes")).message).toContain("dims [2]; expected a first axis of 3");
    expect(failure(() => set.extra("scale")).message).toContain("dims []");
  });

  it("takes one array for a model with one input, whatever its name", () => {
    expect([...sampleFeeds(f32([2, 2], 1, 2, 3, 4), [x])]).toEqual([
      { x: f32([1, 2], 1, 2) },
      { x: f32([1, 2], 3, 4) },
    ]);
    const error = failure(() => sampleFeeds(f32([2, 2], 1, 2, 3, 4), [x, ids], "a.npy"));
    expect(error.message).toContain('a.npy: a .npy file holds one array, but the model\'s inputs are "x", "ids"');
  });

  it("does not mind the size that the model fixes for its batch axis", () => {
    expect(sampleFeeds(arrays(), [{ ...x, dims: [8, 2] }]).count).toBe(3);
    expect(sampleFeeds(arrays(), [{ ...x, dims: [1, 2] }]).at(1)).toEqual({ x: f32([1, 2], 3, 4) });
  });

  it("takes rows without elements beside others that have some", () => {
    const past: ValueInfo = { name: "past", dtype: "float32", dims: ["batch", "past"] };
    expect(sampleFeeds(arrays().set("past", f32([3, 0])), [x, past]).at(1).past).toEqual(f32([1, 0]));
  });

  it.each([
    [
      "a missing input",
      new Map([["y", f32([1, 2], 1, 2)]]),
      [x],
      'array "x": the model needs it as an input, the file holds "y"',
      { input: "x" },
    ],
    [
      "another dtype, with the cure",
      new Map([["x", { ...f32([1, 2]), dtype: "float64", data: Float64Array.of(1, 2) } as Tensor]]),
      [x],
      'expected float32 [samples, 2], found float64 [1, 2]. Convert it, with numpy: .astype("float32").',
      { input: "x" },
    ],
    [
      "another rank",
      new Map([["x", f32([2], 1, 2)]]),
      [x],
      "expected float32 [samples, 2], found float32 [2]",
      { found: "float32 [2]" },
    ],
    ["another fixed size", new Map([["x", f32([1, 3], 1, 2, 3)]]), [x], "found float32 [1, 3]", {}],
    [
      "a single number where any rank goes",
      new Map([["x", f32([], 1)]]),
      [{ ...x, dims: [] }],
      "first axis must run over the samples",
      {},
    ],
    [
      "differing numbers of samples",
      new Map([
        ["x", f32([1, 2], 1, 2)],
        ["ids", i64([2, 1], 1, 2)],
      ]),
      [x, ids],
      '"x" has 1 samples, "ids" has 2',
      { input: "ids" },
    ],
    ["an empty set", new Map([["x", f32([0, 2])]]), [x], "it holds no samples", {}],
    [
      "any number of samples made of nothing",
      new Map([["x", f32([2 ** 50, 0])]]),
      [{ ...x, dims: ["n", "k"] }],
      "it holds no samples",
      {},
    ],
    ["an empty file", new Map<string, Tensor>(), [x], "the file holds none", {}],
    ["a model without inputs", arrays(), [], "no inputs", {}],
  ] as [string, Map<string, Tensor>, ValueInfo[], string, object][])(
    "refuses %s",
    (_, decoded, inputs, message, context) => {
      const error = failure(() => sampleFeeds(decoded, inputs, "a.npz"));
      expect(error.message).toContain("a.npz");
      expect(error.message).toContain(message);
      expect(error.context).toMatchObject(context);
    },
  );

  it("feeds a model", async () => {
    const model = buildModel({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [tensor("W", [2, 1], Float32Array.of(1, 10))],
      inputs: [valueInfo("x", "float32", ["N", 2])],
      outputs: [valueInfo("y", "float32", ["N", 1])],
    });
    for (const backend of ["node", "web"] as const) {
      const runner = await openRunner(model, { backend });
      const results: unknown[] = [];
      for (const sample of sampleFeeds(arrays(), runner.inputs)) results.push((await runner.run(sample)).y);
      expect(results).toEqual([f32([1, 1], 21), f32([1, 1], 43), f32([1, 1], 65)]);
      await runner.close();
    }
  });
});

describe("joinSampleSets", () => {
  const first = sampleFeeds(arrays(), [x]);
  const second = sampleFeeds(
    new Map([
      ["x", f32([1, 2], 7, 8)],
      ["label", i64([1], 5)],
    ]),
    [x],
  );

  it("counts through the sets in order", () => {
    const joined = joinSampleSets([first, second, first]);
    expect(joined.count).toBe(7);
    expect([...joined]).toEqual([...first, ...second, ...first]);
    expect([joined.at(2), joined.at(3), joined.at(4)]).toEqual([first.at(2), second.at(0), first.at(0)]);
    expect(() => joined.at(7)).toThrow(RangeError);
  });

  it("has the extras that all of them have", () => {
    const joined = joinSampleSets([first, second]);
    expect(joined.extras).toEqual(["label"]);
    expect(joined.extra("label").map(({ data }) => data[0])).toEqual([7n, 8n, 9n, 5n]);
    expect(failure(() => joined.extra("ids")).message).toContain('expected one of "label"');
  });

  it("refuses no sets at all", () => {
    expect(() => joinSampleSets([])).toThrow(RangeError);
  });
});

describe("decodeSamples", () => {
  const npy = npyOf([2, 2], [1, 2, 3, 4]);
  const header = '{"x":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}';
  const safetensors = new Uint8Array(8 + header.length + 16);
  safetensors[0] = header.length;
  safetensors.set(new TextEncoder().encode(header), 8);
  safetensors.set(npy.subarray(128), 8 + header.length);

  it.each([
    ["folder/a.npy", npy],
    ["a.NPZ", zipSync({ "x.npy": npy })],
    ["a.b.safetensors", safetensors],
    ["a.jsonl", new TextEncoder().encode('{"x":[1,2]}\n{"x":[3,4]}')],
  ])("decodes %s by its ending", (name, bytes) => {
    expect([...decodeSamples(name, bytes, [x])]).toEqual([{ x: f32([1, 2], 1, 2) }, { x: f32([1, 2], 3, 4) }]);
  });

  it("refuses another ending, and names the file in every error", () => {
    expect(failure(() => decodeSamples("a.csv", npy, [x])).message).toBe(
      "a.csv: expected a file that ends in .npz, .npy, .safetensors, .jsonl.",
    );
    for (const name of ["q/a.npy", "q/a.npz", "q/a.safetensors", "q/a.jsonl"]) {
      expect(failure(() => decodeSamples(name, Uint8Array.of(1, 2, 3), [x])).message).toContain(name);
      expect(failure(() => decodeSamples(name, new Uint8Array(0), [x])).message).toContain(name);
    }
    expect(failure(() => decodeSamples("q/a.npz", zipSync({ "z.npy": npy }), [x])).message).toContain(
      'q/a.npz, array "x"',
    );
  });

  it("reads through to the arrays of an archive whose types do not fit", () => {
    expect(decodeNpz(zipSync({ "x.npy": npy })).get("x")!.dims).toEqual([2, 2]);
    const error = failure(() => decodeSamples("a.npz", zipSync({ "ids.npy": npy }), [ids]));
    expect(error.message).toContain("expected int64 [samples, seq], found float32 [2, 2]");
  });
});
