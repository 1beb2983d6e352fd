import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeModel, encodeModel, externalDataFiles } from "@espalier/onnx";
import { isRunnerError, openRunner, type Runner, type Tensor } from "@espalier/runtime";
import { buildModel, externalTensor, hasChromium, node, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Where models and their weights come from, and what cannot be loaded: the same for every backend. */
const BACKENDS = ["node", "web", ...(hasChromium ? (["browser"] as const) : [])] as const;

const f32 = (dims: number[], values: number[]): Tensor => ({ dtype: "float32", dims, data: Float32Array.from(values) });

/** y = x · W with W = [[1, 2], [3, 4]], and z = y + 1. */
const matMul = buildModel({
  nodes: [node("MatMul", ["x", "W"], ["y"]), node("Add", ["y", "one"], ["z"])],
  initializers: [tensor("W", [2, 2], Float32Array.of(1, 2, 3, 4)), tensor("one", [], Float32Array.of(1))],
  inputs: [valueInfo("x", "float32", ["N", 2])],
  outputs: [valueInfo("y", "float32", ["N", 2]), valueInfo("z", "float32", ["N", 2])],
});

/** The weights of `matMul`, kept in `folder/w.bin` from byte 4 on. */
const externalModel = (location: string) =>
  buildModel({
    nodes: [node("MatMul", ["x", "W"], ["y"])],
    initializers: [externalTensor("W", [2, 2], "float32", { location, offset: 4, length: 16 })],
    inputs: [valueInfo("x", "float32", ["N", 2])],
    outputs: [valueInfo("y", "float32", ["N", 2])],
  });
const externalBytes = new Uint8Array(Float32Array.of(-1, 1, 2, 3, 4).buffer);

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

describe.each(BACKENDS)("loading with the %s backend", (backend) => {
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

  describe("external data", () => {
    it("of a path are found next to the model", async () => {
      const path = join(folder, `${backend}-external.onnx`);
      writeFileSync(path, externalModel(`${backend}-w.bin`));
      writeFileSync(join(folder, `${backend}-w.bin`), externalBytes);
      await using(path, async (runner) => {
        expect((await runner.run({ x: f32([1, 2], [1, 1]) })).y).toEqual(f32([1, 2], [4, 6]));
      });
    });

    it.each(["w.bin", "sub/w.bin", "./w.bin", "sub//./w.bin"])("of bytes are given by location %j", (location) =>
      using(
        externalModel(location),
        async (runner) => expect((await runner.run({ x: f32([1, 2], [1, 1]) })).y).toEqual(f32([1, 2], [4, 6])),
        { externalData: new Map([[location, externalBytes]]) },
      ),
    );

    it("may be the functions that @espalier/onnx gives", () => {
      const model = decodeModel(externalModel("w.bin"), { externalData: new Map([["w.bin", externalBytes]]) });
      return using(
        encodeModel(model),
        async (runner) => expect((await runner.run({ x: f32([1, 2], [1, 1]) })).y).toEqual(f32([1, 2], [4, 6])),
        { externalData: externalDataFiles(model) },
      );
    });

    it("that are missing, or too short, are a load error that says what to do", async () => {
      const path = join(folder, `${backend}-orphan.onnx`);
      writeFileSync(path, externalModel("not-there.bin"));
      expect(await rejection(open(path))).toMatchObject({ code: "load-failed" });
      const short = { externalData: new Map([["w.bin", new Uint8Array(8)]]) };
      expect(await rejection(open(externalModel("w.bin"), short))).toMatchObject({ code: "load-failed" });
      const missing = await rejection(open(externalModel("w.bin")));
      expect(missing).toMatchObject({ code: "load-failed" });
      expect(missing.message).toContain("`externalData`");
    });

    it.each(["disabled", "all"])(
      "of bytes are never taken from the working directory (optimization %s)",
      async (level) => {
        // "package.json" exists there, and is long enough.
        expect(readFileSync("package.json").length).toBeGreaterThan(20);
        const error = await rejection(open(externalModel("package.json"), { optimization: level }));
        expect(error).toMatchObject({ code: "load-failed" });
      },
    );

    it("outside of the model's folder are refused", async () => {
      const path = join(folder, `${backend}-escape.onnx`);
      writeFileSync(path, externalModel("../escape.bin"));
      expect(await rejection(open(path))).toMatchObject({ code: "load-failed" });
    });
  });

  describe("fails to load, with ONNX Runtime's reason on one line:", () => {
    const unknownOperator = buildModel({
      nodes: [node("Nope", ["x"], ["y"])],
      inputs: [valueInfo("x", "float32", [1])],
      outputs: [valueInfo("y", "float32", [1])],
    });
    it.each([
      ["five bytes", Uint8Array.of(1, 2, 3, 4, 5), "the model of 5 bytes"],
      ["no bytes", new Uint8Array(0), "the model of 0 bytes"],
      ["a truncated model", matMul.subarray(0, matMul.length - 20), "bytes: "],
      ["an unknown operator", unknownOperator, "No Op registered for Nope"],
    ])("%s", async (_, bytes, text) => {
      const error = await rejection(open(bytes));
      expect(error.code).toBe("load-failed");
      expect(error.message).toContain(text);
      expect(error.message).not.toMatch(/\n|ERROR_CODE/);
    });

    it("a path that does not exist", async () => {
      const error = await rejection(open(join(folder, "none.onnx")));
      expect(error.code).toBe("load-failed");
      expect(error.message).toContain("none.onnx");
    });
  });
});
