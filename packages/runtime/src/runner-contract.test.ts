import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dtype, isRunnerError, openRunner, type Runner, type Tensor } from "@espalier/runtime";
import { buildModel, hasChromium, node, ocrModelPath, random, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/**
 * Every backend passes the same suite, and all run in this one process. Loading has its own suite (loading.test.ts).
 * Deviations, tested in backends/processes.test.ts and backends/browser/browser.test.ts: threads are fixed per process with
 * onnxruntime-web, whose thread pool cannot change; `optimization` changes results only with onnxruntime-node, whose fused
 * kernels approximate; a browser that was not closed keeps the process alive, because it is a process of its own.
 */
const BACKENDS = ["node", "web", ...(hasChromium ? (["browser"] as const) : [])] as const;

const f32 = (dims: number[], values: number[]): Tensor => ({ dtype: "float32", dims, data: Float32Array.from(values) });

const identity = (dtype: string, dims: (number | string)[]) =>
  buildModel({
    nodes: [node("Identity", ["x"], ["y"])],
    inputs: [valueInfo("x", dtype, dims)],
    outputs: [valueInfo("y", dtype, dims)],
  });

/** y = x · W with W = [[1, 2], [3, 4]], and z = y + 1. */
const matMul = buildModel({
  nodes: [node("MatMul", ["x", "W"], ["y"]), node("Add", ["y", "one"], ["z"])],
  initializers: [tensor("W", [2, 2], Float32Array.of(1, 2, 3, 4)), tensor("one", [], Float32Array.of(1))],
  inputs: [valueInfo("x", "float32", ["N", 2])],
  outputs: [valueInfo("y", "float32", ["N", 2]), valueInfo("z", "float32", ["N", 2])],
});

/** A MatMul of two inputs, whose inner sizes ONNX Runtime compares only when it runs. */
const openMatMul = buildModel({
  nodes: [node("MatMul", ["a", "b"], ["y"])],
  inputs: [valueInfo("a", "float32", ["M", "K"]), valueInfo("b", "float32", ["L", "N"])],
  outputs: [valueInfo("y", "float32", ["M", "N"])],
});

const samplesOfDtype: { [D in Dtype]?: Tensor } = {
  float32: { dtype: "float32", dims: [1, 4], data: Float32Array.of(1.5, -0, Number.NaN, Number.POSITIVE_INFINITY) },
  float64: { dtype: "float64", dims: [1, 4], data: Float64Array.of(1e300, -0, Math.PI, Number.NEGATIVE_INFINITY) },
  // 1, a NaN with payload, -0 and the smallest subnormal: bits that a detour over numbers would lose.
  float16: { dtype: "float16", dims: [1, 4], data: Uint16Array.of(0x3c00, 0x7e01, 0x8000, 0x0001) },
  int8: { dtype: "int8", dims: [1, 3], data: Int8Array.of(-128, 0, 127) },
  uint8: { dtype: "uint8", dims: [1, 3], data: Uint8Array.of(0, 1, 255) },
  int16: { dtype: "int16", dims: [1, 3], data: Int16Array.of(-32768, 0, 32767) },
  uint16: { dtype: "uint16", dims: [1, 3], data: Uint16Array.of(0, 1, 65535) },
  int32: { dtype: "int32", dims: [1, 3], data: Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1) },
  uint32: { dtype: "uint32", dims: [1, 3], data: Uint32Array.of(0, 1, 2 ** 32 - 1) },
  // Beyond 2⁵³, where a number would round.
  int64: { dtype: "int64", dims: [1, 3], data: BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n, 2n ** 63n - 1n) },
  uint64: { dtype: "uint64", dims: [1, 3], data: BigUint64Array.of(0n, 2n ** 53n + 1n, 2n ** 64n - 1n) },
  bool: { dtype: "bool", dims: [1, 3], data: Uint8Array.of(1, 0, 1) },
  string: { dtype: "string", dims: [1, 3], data: ["", "naïve", "枝 🌳"] },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-runtime-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function rejection(
  promise: Promise<unknown>,
): Promise<Error & { code: string; context: Record<string, unknown> }> {
  try {
    await promise;
  } catch (error) {
    expect(isRunnerError(error)).toBe(true);
    return error as Error & { code: string; context: Record<string, unknown> };
  }
  throw new Error("expected a RunnerError, but nothing was thrown");
}

describe.each(BACKENDS)("a runner of the %s backend", (backend) => {
  const open = (model: string | Uint8Array, options = {}) => openRunner(model, { ...options, backend });
  // One stays open, so that a browser starts only once.
  let kept: Runner;
  beforeAll(async () => {
    kept = await open(matMul);
  });
  afterAll(() => kept.close());
  const using = async <T>(
    model: string | Uint8Array,
    use: (runner: Runner) => Promise<T>,
    options = {},
  ): Promise<T> => {
    const runner = await open(model, options);
    try {
      return await use(runner);
    } finally {
      await runner.close();
    }
  };

  it("says which backend it is", () => using(matMul, async (runner) => expect(runner.backend).toBe(backend)));

  it("computes every output from bytes", () =>
    using(matMul, async (runner) => {
      expect(await runner.run({ x: f32([2, 2], [1, 0, 1, 1]) })).toEqual({
        y: f32([2, 2], [1, 2, 4, 6]),
        z: f32([2, 2], [2, 3, 5, 7]),
      });
    }));

  it("takes bytes that begin anywhere in their buffer, and shared memory", async () => {
    const shifted = new Uint8Array(new SharedArrayBuffer(matMul.length + 3), 3);
    shifted.set(matMul);
    const shared = new Float32Array(new SharedArrayBuffer(12), 4);
    shared.set([1, 1]);
    await using(shifted, async (runner) => {
      expect((await runner.run({ x: { dtype: "float32", dims: [1, 2], data: shared } }, ["y"])).y).toEqual(
        f32([1, 2], [4, 6]),
      );
    });
  });

  it("loads a model by its path", async () => {
    const path = join(folder, `${backend}-plain.onnx`);
    writeFileSync(path, matMul);
    await using(path, async (runner) => {
      expect((await runner.run({ x: f32([1, 2], [1, 1]) }, ["z"])).z).toEqual(f32([1, 2], [5, 7]));
    });
  });

  it("returns only the outputs asked for, in that order", () =>
    using(matMul, async (runner) => {
      const x = f32([1, 2], [1, 1]);
      expect(Object.keys(await runner.run({ x }, ["z"]))).toEqual(["z"]);
      expect(Object.keys(await runner.run({ x }, ["z", "y"]))).toEqual(["z", "y"]);
    }));

  it("refuses an output that the model does not have, and an empty list", () =>
    using(matMul, async (runner) => {
      const x = f32([1, 2], [1, 1]);
      const unknown = await rejection(runner.run({ x }, ["y", "nope"]));
      expect(unknown).toMatchObject({ code: "bad-output", context: { found: '"nope"' } });
      expect(unknown.message).toContain('"y", "z"');
      expect(await rejection(runner.run({ x }, []))).toMatchObject({ code: "bad-output" });
    }));

  it("takes any size for a symbolic dim, zero included", () =>
    using(matMul, async (runner) => {
      for (const rows of [0, 1, 5]) {
        const { y } = await runner.run({ x: f32([rows, 2], Array(rows * 2).fill(1)) }, ["y"]);
        expect(y!.dims).toEqual([rows, 2]);
        expect(y!.data.length).toBe(rows * 2);
      }
    }));

  it("names fixed, symbolic and nameless dims of inputs and outputs", () =>
    using(
      buildModel({
        nodes: [node("Identity", ["x"], ["y"]), node("Identity", ["s"], ["t"])],
        inputs: [valueInfo("x", "int64", ["batch", 3, ""]), valueInfo("s", "float64", [])],
        outputs: [valueInfo("y", "int64", ["batch", 3, ""]), valueInfo("t", "float64", [])],
      }),
      async (runner) => {
        expect(runner.inputs).toEqual([
          { name: "x", dtype: "int64", dims: ["batch", 3, null] },
          { name: "s", dtype: "float64", dims: [] },
        ]);
        expect(runner.outputs.map(({ name }) => name)).toEqual(["y", "t"]);
        expect(runner.outputs[0]!.dims).toEqual(["batch", 3, null]);
      },
    ));

  it("accepts any rank where the model states none", () => {
    const free = valueInfo("x", "float32", []);
    if (free.type?.value.case === "tensorType") delete free.type.value.value.shape;
    const model = buildModel({
      nodes: [node("Relu", ["x"], ["y"])],
      inputs: [free],
      outputs: [{ ...free, name: "y" }],
    });
    return using(model, async (runner) => {
      for (const dims of [[], [2], [1, 2, 1]]) {
        const values = Array(dims.length === 0 ? 1 : 2).fill(3);
        expect((await runner.run({ x: f32(dims, values) })).y).toEqual(f32(dims, values));
      }
    });
  });

  it("does not list an input that has a default, and uses the default", () => {
    const model = buildModel({
      nodes: [node("Add", ["x", "b"], ["y"])],
      initializers: [tensor("b", [1], Float32Array.of(10))],
      inputs: [valueInfo("x", "float32", [1]), valueInfo("b", "float32", [1])],
      outputs: [valueInfo("y", "float32", [1])],
    });
    return using(model, async (runner) => {
      expect(runner.inputs.map(({ name }) => name)).toEqual(["x"]);
      expect((await runner.run({ x: f32([1], [1]) })).y).toEqual(f32([1], [11]));
    });
  });

  it.each(Object.entries(samplesOfDtype))("passes %s through unchanged", (dtype, x) =>
    using(identity(dtype, [1, "N"]), async (runner) => {
      expect(runner.inputs[0]!.dtype).toBe(dtype);
      const { y } = await runner.run({ x });
      expect(y).toStrictEqual(x);
      expect(y!.data.constructor).toBe(x.data.constructor);
    }),
  );

  it("computes in int64, bool and float16, not only copies", async () => {
    const model = buildModel({
      nodes: [
        node("Add", ["i", "i"], ["i2"]),
        node("Not", ["b"], ["notB"]),
        node("Cast", ["h"], ["f"], { to: 1 }),
        node("Equal", ["s", "t"], ["same"]),
      ],
      initializers: [],
      inputs: [
        valueInfo("i", "int64", [1]),
        valueInfo("b", "bool", [2]),
        valueInfo("h", "float16", [2]),
        valueInfo("s", "string", [2]),
        valueInfo("t", "string", [2]),
      ],
      outputs: [
        valueInfo("i2", "int64", [1]),
        valueInfo("notB", "bool", [2]),
        valueInfo("f", "float32", [2]),
        valueInfo("same", "bool", [2]),
      ],
      opset: 19,
      irVersion: 9,
    });
    await using(model, async (runner) => {
      const results = await runner.run({
        i: { dtype: "int64", dims: [1], data: BigInt64Array.of(2n ** 60n) },
        b: { dtype: "bool", dims: [2], data: Uint8Array.of(1, 0) },
        h: { dtype: "float16", dims: [2], data: Uint16Array.of(0x4248, 0x0001) },
        s: { dtype: "string", dims: [2], data: ["a", "b"] },
        t: { dtype: "string", dims: [2], data: ["a", "c"] },
      });
      expect(results.i2!.data).toEqual(BigInt64Array.of(2n ** 61n));
      expect(results.notB!.data).toEqual(Uint8Array.of(0, 1));
      // 0x4248 is 2 · (1 + 584/1024); 0x0001 is the smallest subnormal, 2⁻²⁴.
      expect(results.f!.data).toEqual(Float32Array.of(3.140625, 2 ** -24));
      expect(results.same!.data).toEqual(Uint8Array.of(1, 0));
    });
  });

  it("refuses bfloat16 inputs and outputs, which the JavaScript API cannot pass, with the way out", async () => {
    const error = await rejection(open(identity("bfloat16", [1])));
    expect(error.code).toBe("unsupported-type");
    expect(error.message).toContain("bfloat16");
    expect(error.message).toContain("Cast to float32");
  });

  it("refuses a sequence as an output", async () => {
    const y = valueInfo("y", "float32", []);
    const element = y.type!;
    const model = buildModel({
      nodes: [node("SequenceConstruct", ["x"], ["y"])],
      inputs: [valueInfo("x", "float32", [1])],
      outputs: [
        {
          ...y,
          type: {
            $typeName: "onnx.TypeProto",
            denotation: "",
            value: { case: "sequenceType", value: { $typeName: "onnx.TypeProto.Sequence", elemType: element } },
          },
        },
      ],
    });
    const error = await rejection(open(model));
    expect(error).toMatchObject({ code: "unsupported-type" });
    expect(error.message).toContain('"y" is not a tensor');
    // Other runners are not concerned.
    expect((await kept.run({ x: f32([1, 2], [1, 1]) }, ["y"])).y).toEqual(f32([1, 2], [4, 6]));
  });

  describe("checks inputs before ONNX Runtime sees them", () => {
    const good = () => f32([1, 2], [1, 1]);
    const cases: [string, Record<string, unknown>, Record<string, unknown>][] = [
      ["an unknown name", { x: good(), mask: good() }, { input: "mask", expected: 'one of "x"' }],
      ["a missing input", {}, { input: "x", found: "none" }],
      ["a name that only exists on Object.prototype", { toString: good() }, { input: "toString" }],
      [
        "another dtype",
        { x: { dtype: "float64", dims: [1, 2], data: Float64Array.of(1, 1) } },
        { input: "x", expected: "float32 [N, 2]", found: "float64 [1, 2]" },
      ],
      ["another rank", { x: f32([2], [1, 1]) }, { input: "x", expected: "float32 [N, 2]", found: "float32 [2]" }],
      ["another fixed size", { x: f32([1, 3], [1, 1, 1]) }, { input: "x", found: "float32 [1, 3]" }],
      ["too few elements", { x: f32([2, 2], [1, 1]) }, { expected: "4 elements for dims [2, 2]", found: "2" }],
      ["too many elements", { x: f32([1, 2], [1, 1, 1]) }, { found: "3" }],
      ["a negative size", { x: f32([-1, 2], []) }, { found: "float32 [-1, 2]" }],
      ["a fractional size", { x: f32([0.5, 2], [1]) }, { found: "float32 [0.5, 2]" }],
      [
        "an array of another class",
        { x: { dtype: "float32", dims: [1, 2], data: [1, 1] } },
        { expected: "float32 data in a Float32Array", found: "Array" },
      ],
    ];
    it.each(cases)("%s", (_, feeds, context) =>
      using(matMul, async (runner) => {
        const error = await rejection(runner.run(feeds as Record<string, Tensor>));
        expect(error).toMatchObject({ code: "bad-input", context });
      }),
    );

    it("bools other than 0 and 1, which the runtimes would compute with", () =>
      using(identity("bool", [2]), async (runner) => {
        const error = await rejection(runner.run({ x: { dtype: "bool", dims: [2], data: Uint8Array.of(1, 2) } }));
        expect(error).toMatchObject({ code: "bad-input", context: { found: "2 at index 1" } });
      }));

    it.each(["cut\0here", "lone \ud800"])("text that the runtimes would change: %j", (text) =>
      using(identity("string", [2]), async (runner) => {
        const error = await rejection(runner.run({ x: { dtype: "string", dims: [2], data: ["fine", text] } }));
        expect(error).toMatchObject({ code: "bad-input", context: { input: "x" } });
        expect(error.message).toContain("at index 1");
      }),
    );

    it("and still runs afterwards", () =>
      using(matMul, async (runner) => {
        await rejection(runner.run({}));
        expect((await runner.run({ x: good() }, ["y"])).y!.data).toEqual(Float32Array.of(4, 6));
      }));
  });

  it("reports what fails while running, keeps the original error, and can go on", () =>
    using(openMatMul, async (runner) => {
      const a = f32([2, 3], Array(6).fill(1));
      const error = await rejection(runner.run({ a, b: f32([2, 3], Array(6).fill(1)) }));
      expect(error.code).toBe("run-failed");
      expect(error.message).toContain("MatMul dimension mismatch");
      expect(error.message).not.toContain("ERROR_CODE");
      expect((await runner.run({ a, b: f32([3, 1], [1, 1, 1]) })).y!.data).toEqual(Float32Array.of(3, 3));
    }));

  it("really is this backend, with the other one in the same process", () =>
    using(openMatMul, async (runner) => {
      const other = await openRunner(openMatMul, { backend: backend === "node" ? "web" : "node" });
      const error = await rejection(runner.run({ a: f32([2, 3], Array(6).fill(1)), b: f32([2, 3], Array(6).fill(1)) }));
      // Only onnxruntime-web's WebAssembly puts this before ONNX Runtime's message.
      expect(String(error.cause).includes("failed to call OrtRun()")).toBe(backend !== "node");
      await other.close();
    }));

  it("gives outputs that are its own: later runs and changes do not touch them", () =>
    using(identity("float32", [2]), async (runner) => {
      const x = f32([2], [1, 2]);
      const first = await runner.run({ x });
      (x.data as Float32Array)[0] = 9;
      const second = await runner.run({ x });
      expect(first.y!.data).toEqual(Float32Array.of(1, 2));
      expect(second.y!.data).toEqual(Float32Array.of(9, 2));
    }));

  it("takes overlapping runs, of one model and of several", async () => {
    const runners = await Promise.all([open(matMul), open(matMul)]);
    const runs = [1, 2, 3, 4].flatMap((value) =>
      runners.map(async (runner) => (await runner.run({ x: f32([1, 2], [value, 0]) }, ["y"])).y!.data),
    );
    const expected = [1, 2, 3, 4].flatMap((value) => runners.map(() => Float32Array.of(value, value * 2)));
    expect(await Promise.all(runs)).toEqual(expected);
    await Promise.all(runners.map((runner) => runner.close()));
  });

  it("waits for runs under way when closed, closes once, and refuses to run after", async () => {
    const runner = await open(matMul);
    const running = runner.run({ x: f32([1, 2], [1, 1]) }, ["y"]);
    const closing = runner.close();
    expect((await running).y!.data).toEqual(Float32Array.of(4, 6));
    await closing;
    await runner.close();
    expect(await rejection(runner.run({ x: f32([1, 2], [1, 1]) }))).toMatchObject({ code: "closed" });
    // What ended by itself in the meantime does not matter: another runner is not concerned.
    await using(matMul, async (next) => expect((await next.run({ x: f32([1, 2], [1, 1]) })).y!.dims).toEqual([1, 2]));
  });

  it("gives the same bytes on every run", () =>
    using(openMatMul, async (runner) => {
      const source = random(7);
      const a: Tensor = { dtype: "float32", dims: [17, 129], data: source.float32(17 * 129) };
      const b: Tensor = { dtype: "float32", dims: [129, 33], data: source.float32(129 * 33) };
      const first = await runner.run({ a, b });
      expect(await runner.run({ a, b })).toStrictEqual(first);
    }));

  it("runs a real model: PP-OCR's classifier", async () => {
    await using(ocrModelPath("classification"), async (runner) => {
      const x: Tensor = { dtype: "float32", dims: [1, 3, 48, 192], data: random(1).float32(3 * 48 * 192) };
      const results = await runner.run({ [runner.inputs[0]!.name]: x });
      const output = results[runner.outputs[0]!.name]!;
      expect(output.dims).toEqual([1, 2]);
      // Probabilities of "upright" and "rotated".
      const [upright, rotated] = output.data as Float32Array;
      expect(upright! + rotated!).toBeCloseTo(1, 5);
    });
  });
});
