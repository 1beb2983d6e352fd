import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeModel, prunableWeights } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { buildModel, node, valueInfo } from "@espalier/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
// Built, because workers run what is built.
import { type Decide, runStages, type StageOptions, type StageProgress } from "../../dist/stages/run-stages.js";
import { floats, transformer, weight } from "../../test-support/stage-cases.js";
import { runCase } from "../../test-support/stage-reference.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-stages-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(() => {
  // Whatever went wrong, no model and no activations stay.
  expect(readdirSync(folder).filter((name) => name.startsWith("espalier"))).toEqual([]);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const model = decodeModel(buildModel(transformer.parts));
const weights = prunableWeights(model).filter((one) => one.prunable);
const OPTIONS: StageOptions = {
  samples: transformer.samples,
  batch: 2,
  threads: 2,
  memory: 1e9,
  heldBack: 0,
  cross: true,
};
const keep: Decide = async (one) => ({ values: one.read().map((value) => value / 2) });

function run(options: Partial<StageOptions>, decide: Decide = keep) {
  return runStages(model, model, weights, { ...OPTIONS, ...options }, decide);
}

describe("runStages, the same bits", () => {
  it.each([
    ["2 workers", { threads: 2 }],
    ["3 workers", { threads: 3 }],
    ["nothing in memory", { memory: 0 }],
    ["a part in memory, 2 workers", { memory: 1500, threads: 2 }],
  ])("with %s", async (_, options) => {
    const one = { ...transformer, options: { batch: 2 } };
    const plain = await runCase(one);
    const other = await runCase({ ...one, options: { batch: 2, ...options } });
    // Vitest compares -0 and 0, and NaN, as bits would.
    expect(other.calls).toEqual(plain.calls);
    expect(other.report.carriedBytes).toBe(plain.report.carriedBytes);
  });
});

describe("runStages, stopped", () => {
  it("throws what decide throws, after the others of the stage are done", async () => {
    const done: string[] = [];
    const decide: Decide = async (one, inputs) => {
      if (one.name === "wq") throw new Error("no");
      await new Promise((resolve) => setImmediate(resolve));
      done.push(one.name);
      return keep(one, inputs);
    };
    await expect(run({ memory: 0 }, decide)).rejects.toThrow("no");
    expect(done).toEqual(["wk", "wv"]);
  });

  it("throws the signal's reason after the run under way, and closes the samples", async () => {
    const stop = new AbortController();
    let closed = false;
    async function* endless(): AsyncGenerator<Sample> {
      try {
        for (;;) yield* transformer.samples;
      } finally {
        closed = true;
      }
    }
    const seen: StageProgress[] = [];
    const onProgress = (progress: StageProgress): void => {
      seen.push(progress);
      if (progress.batch === 3) stop.abort(new Error("enough"));
    };
    await expect(run({ samples: endless(), onProgress, signal: stop.signal })).rejects.toThrow("enough");
    expect(seen.slice(0, 3)).toEqual(
      [1, 2, 3].map((batch) => ({ stage: 0, stages: 4, batch, weights: ["wq", "wk", "wv"] })),
    );
    await vi.waitFor(() => expect(closed).toBe(true));
  });

  it("does not wait for samples that do not come", async () => {
    const stop = new AbortController();
    async function* waiting(): AsyncGenerator<Sample> {
      yield* transformer.samples;
      queueMicrotask(() => stop.abort(new Error("enough")));
      await new Promise(() => {});
    }
    await expect(run({ samples: waiting(), signal: stop.signal })).rejects.toThrow("enough");
  });

  it("does not begin when the signal is aborted", async () => {
    await expect(run({ signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
  });

  it("throws what the samples throw", async () => {
    async function* broken(): AsyncGenerator<Sample> {
      yield* transformer.samples;
      throw new Error("disk gone");
    }
    await expect(run({ samples: broken() })).rejects.toThrow("disk gone");
  });

  it("says how far it is", async () => {
    const seen: StageProgress[] = [];
    await run({ threads: 1, onProgress: (progress) => seen.push(progress) });
    expect(seen).toHaveLength(4 * 4);
    expect(seen.at(-1)).toEqual({ stage: 3, stages: 4, batch: 4, batches: 4, weights: ["wd"] });
  });
});

describe("runStages, with bad input", () => {
  it("names the samples at which ONNX Runtime stops", async () => {
    const parts = {
      nodes: [
        node("MatMul", ["x", "w"], ["h"]),
        node("GatherElements", ["h", "id"], ["s"], { axis: 1 }),
        node("MatMul", ["s", "v"], ["y"]),
      ],
      initializers: [weight("w", [4, 4]), weight("v", [4, 4])],
      inputs: [valueInfo("x", "float32", ["n", 4]), valueInfo("id", "int64", ["n", 4])],
      outputs: [valueInfo("y", "float32", ["n", 4])],
    };
    const broken = decodeModel(buildModel(parts));
    const samples = floats(6, [1, 4]).map((x, index) => {
      const id = index === 5 ? 7n : 1n;
      return { x, id: { dtype: "int64" as const, dims: [1, 4], data: BigInt64Array.of(0n, id, 2n, 3n) } };
    });
    const own = prunableWeights(broken).filter((one) => one.prunable);
    const of = (options: Partial<StageOptions>) =>
      runStages(broken, broken, own, { ...OPTIONS, samples, ...options }, keep);
    await expect(of({ batch: 2 })).rejects.toMatchObject({
      code: "run-failed",
      message: expect.stringMatching(/^samples 4 to 5, stage 1: /),
      context: { stage: 1, sample: 4 },
    });
    await expect(of({ batch: 1 })).rejects.toMatchObject({ message: expect.stringMatching(/^sample 5, stage 1: /) });
  });

  it("names the weight and the samples where an input is not finite", async () => {
    const samples = [...floats(3, [1, 5, 8]), ...floats(1, [1, 5, 8])].map((x) => ({ x }));
    (samples[2]!.x!.data as Float32Array)[3] = Number.NaN;
    await expect(run({ samples, batch: 1 })).rejects.toMatchObject({
      code: "not-finite",
      message: expect.stringContaining('sample 2, stage 0: the input of weight "wq"'),
      context: { weight: "wq", sample: 2 },
    });
    (samples[2]!.x!.data as Float32Array)[3] = 1e30;
    await expect(run({ samples, batch: 1 })).rejects.toMatchObject({ code: "not-finite" });
  });

  it("refuses samples that do not fit, and none at all", async () => {
    const samples = [...transformer.samples, { y: transformer.samples[0]!.x! }];
    await expect(run({ samples })).rejects.toMatchObject({ code: "bad-option", context: { sample: 7 } });
    await expect(run({ samples: [] })).rejects.toMatchObject({ code: "no-samples" });
  });

  it("refuses values that do not fit their weight", async () => {
    const values = (change: (values: number[]) => number[]): Decide => {
      return async (one) => ({ values: Float32Array.from(change([...one.read()])) });
    };
    await expect(
      run(
        {},
        values((all) => all.slice(1)),
      ),
    ).rejects.toMatchObject({ code: "bad-option" });
    await expect(
      run(
        {},
        values((all) => [Number.NaN, ...all.slice(1)]),
      ),
    ).rejects.toMatchObject({ code: "not-finite" });
  });

  it("refuses to change a bias that was read before its weight", async () => {
    const parts = {
      nodes: [
        node("MatMul", ["x", "w1"], ["h"]),
        node("Add", ["h", "b"], ["a"]),
        node("MatMul", ["a", "w2"], ["g"]),
        node("Add", ["g", "b"], ["c"]),
        node("MatMul", ["c", "w3"], ["y"]),
      ],
      initializers: [...["w1", "w2", "w3"].map((name) => weight(name, [4, 4])), weight("b", [4])],
      inputs: [valueInfo("x", "float32", ["n", 4])],
      outputs: [valueInfo("y", "float32", ["n", 4])],
    };
    const shared = decodeModel(buildModel(parts));
    const own = prunableWeights(shared).filter((one) => one.prunable);
    const bias = shared.proto.graph!.initializer.find(({ name }) => name === "b")!;
    const decide: Decide = async (one, inputs) => ({
      ...(await keep(one, inputs)),
      ...(one.name === "w2" && { bias: { tensor: bias, values: new Float32Array(4) } }),
    });
    const samples = floats(2, [3, 4]).map((x) => ({ x }));
    await expect(runStages(shared, shared, own, { ...OPTIONS, samples }, decide)).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringContaining('"b" cannot be changed'),
    });
  });

  it.each([{ batch: 0 }, { threads: 1.5 }, { heldBack: 1 }, { memory: Number.NaN }])("refuses %j", async (options) => {
    await expect(run(options)).rejects.toMatchObject({ code: "bad-option" });
  });
});
