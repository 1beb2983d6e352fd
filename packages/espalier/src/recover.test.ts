import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conforms, l1, nm, type Pattern, unstructured, wanda } from "@espalier/core";
import { decodeModel, prunableWeights } from "@espalier/onnx";
import { obs } from "@espalier/recover";
import { openRunner, type Sample } from "@espalier/runtime";
import { buildModel, buildSyntheticTransformer, node, random, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectStatistics } from "./calibrate.js";
import { type PruneOptions, prune } from "./prune.js";
import { verify } from "./verify.js";

const WIDTH = 32;
const SEQ = 8;
const dense = buildSyntheticTransformer({ layers: 2, width: WIDTH, ffn: 64, heads: 4, seq: SEQ });

/** Inputs whose features go together, as real ones do: only then is there something that kept weights can take over. */
function samplesOf(seed: number, count: number): Sample[] {
  const { float32 } = random(seed);
  const mixing = random(1).float32(4 * WIDTH);
  return Array.from({ length: count }, () => {
    const hidden = float32(SEQ * 4);
    const noise = float32(SEQ * WIDTH);
    const data = noise.map((value, at) => {
      const [row, column] = [Math.floor(at / WIDTH), at % WIDTH];
      return [0, 1, 2, 3].reduce((sum, k) => sum + hidden[row * 4 + k]! * mixing[k * WIDTH + column]!, 0.1 * value);
    });
    return { x: { dtype: "float32", dims: [1, SEQ, WIDTH], data } };
  });
}

const calibration = samplesOf(7, 48);
const unseen = samplesOf(8, 16);

async function outputsOf(model: Uint8Array): Promise<Float32Array[]> {
  const runner = await openRunner(model);
  const outputs: Float32Array[] = [];
  for (const sample of unseen) outputs.push((await runner.run(sample)).encoded!.data as Float32Array);
  await runner.close();
  return outputs;
}

let expected: Float32Array[];
beforeAll(async () => {
  expected = await outputsOf(dense);
});

/** Relative L2 error on samples that recovery did not see. */
async function errorOf(model: Uint8Array): Promise<number> {
  const found = await outputsOf(model);
  let error = 0;
  let size = 0;
  for (const [sample, values] of expected.entries()) {
    for (const [index, value] of values.entries()) {
      error += (found[sample]![index]! - value) ** 2;
      size += value ** 2;
    }
  }
  return Math.sqrt(error / size);
}

const pruned = (options: Partial<PruneOptions> & { pattern: Pattern }) =>
  prune(dense, { criterion: obs(), calibration, ...options });

describe("prune with recovery", () => {
  it("comes closer to the dense model with every method than the one before", async () => {
    const pattern = nm(2, 4);
    const plain = await prune(dense, { criterion: wanda(), pattern, calibration, recover: "none" });
    const bias = await pruned({ criterion: wanda(), pattern, recover: "bias" });
    const byObs = await pruned({ pattern, recover: "obs" });
    const leastSquares = await pruned({ pattern });
    const errors = [];
    for (const one of [plain, bias, byObs, leastSquares]) errors.push(await errorOf(one.toBytes()));
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    expect(leastSquares.recovery!.method).toBe("least-squares");
    expect(errors[3]).toBeLessThan(0.7 * errors[0]!);
  });

  it("keeps the pattern and its counts in the file, and says in it that kept weights were changed", async () => {
    for (const pattern of [nm(2, 4), unstructured(0.37)]) {
      const { weights, toBytes } = await pruned({ pattern });
      for (const { zeros, total } of weights) expect(zeros).toBe(Math.round(total * pattern.sparsity));
      const model = decodeModel(toBytes());
      for (const weight of prunableWeights(model)) {
        if (weight.prunable) expect(conforms(weight.read(), weight, pattern)).toEqual({ ok: true });
      }
      const verdict = await verify({ original: dense, pruned: toBytes(), pattern, samples: unseen });
      expect(verdict.checks.filter(({ status }) => status === "failed")).toEqual([]);
    }
  });

  it("gives the same bytes for one thread and for three", async () => {
    const bytes = async (threads: number) => (await pruned({ pattern: nm(2, 4), threads })).toBytes();
    expect(Buffer.compare(await bytes(1), await bytes(3))).toBe(0);
  });

  it("takes masks of any criterion, and leaves out what a criterion has no use for", async () => {
    const pattern = unstructured(0.5);
    const byMagnitude = await pruned({ criterion: l1(), pattern });
    const plain = await prune(dense, { criterion: l1(), pattern });
    const [name] = [...plain.masks.keys()] as [string];
    expect(byMagnitude.masks.get(name)).toEqual(plain.masks.get(name));
    expect(await errorOf(byMagnitude.toBytes())).toBeLessThan(await errorOf(plain.toBytes()));
  });

  it("compensates a given mask from Gram matrices alone", async () => {
    const { grams, statistics } = await collectStatistics(dense, calibration, { gram: true });
    const options = { criterion: wanda(), pattern: nm(2, 4), statistics };
    const plain = await prune(dense, options);
    const recovered = await prune(dense, { ...options, grams, recover: "obs" });
    expect(recovered.masks).toEqual(plain.masks);
    expect(await errorOf(recovered.toBytes())).toBeLessThan(await errorOf(plain.toBytes()));
    const withoutGrams = prune(dense, { ...options, grams: new Map(), recover: "obs" });
    await expect(withoutGrams).rejects.toMatchObject({ code: "no-gram", message: expect.stringContaining("--gram") });
  });
});

describe("prune with an allocation", () => {
  it.each(["global", "owl", "sensitivity"] as const)(
    "%s meets the total exactly, and spares some weights",
    async (allocation) => {
      const { weights, sparsity } = await pruned({ pattern: unstructured(0.5), allocation });
      const total = weights.reduce((sum, weight) => sum + weight.total, 0);
      expect(sparsity.ofPruned * total).toBe(total / 2);
      expect(new Set(weights.map((weight) => weight.sparsity)).size).toBeGreaterThan(2);
    },
  );

  it("is recorded, so that the file can be verified weight by weight", async () => {
    const { toBytes } = await pruned({ pattern: unstructured(0.5), allocation: "owl" });
    const verdict = await verify({ original: dense, pruned: toBytes() });
    expect(verdict.checks.filter(({ status }) => status === "failed")).toEqual([]);
  });

  it("divides magnitude without samples, and asks for them where they are needed", async () => {
    const options = { criterion: l1(), pattern: unstructured(0.5) };
    const { sparsity } = await prune(dense, { ...options, allocation: "global" });
    expect(sparsity.ofPruned).toBe(0.5);
    await expect(prune(dense, { ...options, allocation: "owl" })).rejects.toThrow(/owl.*samples/);
    await expect(pruned({ pattern: nm(2, 4), allocation: "owl" })).rejects.toMatchObject({ code: "invalid-sparsity" });
  });
});

describe("prune with a schedule", () => {
  it("climbs in steps, each further from the dense model, and ends at the target", async () => {
    const { recovery, sparsity } = await pruned({ pattern: unstructured(0.6), schedule: "cubic", steps: 3 });
    const steps = recovery!.steps;
    // 0.6 · (1 − (1 − t)³) at t = 1/3 and 2/3.
    expect(steps.map((step) => step.sparsity.toFixed(4))).toEqual(["0.4222", "0.5778", "0.6000"]);
    expect(steps[0]!.outputError).toBeLessThan(steps[2]!.outputError);
    expect(sparsity.ofPruned).toBeCloseTo(0.6, 3);
  });

  it("undoes the step that goes too far and reports the sparsity that passed", async () => {
    const options = { pattern: unstructured(0.9), schedule: "gradual", steps: 3 } as const;
    const free = (await pruned(options)).recovery!.steps;
    const limit = (free[0]!.outputError + free[1]!.outputError) / 2;
    const limited = await pruned({ ...options, maxOutputError: limit });
    expect(limited.recovery!.steps.map(({ passed }) => passed)).toEqual([true, false]);
    expect(limited.sparsity.ofPruned).toBeCloseTo(0.3, 2);
    await expect(pruned({ ...options, maxOutputError: 1e-9 })).rejects.toMatchObject({ code: "too-far" });
  });
});

describe("prune with biases added", () => {
  const inner = random(5);
  const bare = buildModel({
    nodes: [node("MatMul", ["x", "a"], ["h"]), node("Relu", ["h"], ["r"]), node("MatMul", ["r", "b"], ["y"])],
    initializers: [tensor("a", [WIDTH, 64], inner.float32(WIDTH * 64)), tensor("b", [64, 8], inner.float32(512))],
    inputs: [valueInfo("x", "float32", [1, SEQ, WIDTH])],
    outputs: [valueInfo("y", "float32", [1, SEQ, 8])],
  });

  it("changes the graph only when that is allowed, and comes closer then", async () => {
    const options = { criterion: obs(), pattern: nm(1, 4), calibration };
    const without = await prune(bare, options);
    const withBiases = await prune(bare, { ...options, addBiases: true });
    expect(without.model.proto.graph!.node).toHaveLength(3);
    expect(withBiases.model.proto.graph!.node).toHaveLength(5);
    const [before, after] = [without, withBiases].map(({ recovery }) => recovery!.steps[0]!.outputError);
    expect(after).toBeLessThan(before!);
  });
});

describe("prune with a progress file", () => {
  const folder = mkdtempSync(join(tmpdir(), "espalier-recover-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const progressFile = join(folder, "progress");

  it("goes on after a stop to the same bytes, without solving finished layers again", async () => {
    const options = { pattern: nm(2, 4) };
    const undisturbed = await pruned(options);
    const stop = new AbortController();
    const stopped = pruned({
      ...options,
      progressFile,
      signal: stop.signal,
      onProgress: ({ item }) => item?.startsWith("stage 4") && stop.abort(new Error("enough")),
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(existsSync(progressFile)).toBe(true);
    const resumed = await pruned({ ...options, progressFile, resume: true });
    expect(Buffer.compare(resumed.toBytes(), undisturbed.toBytes())).toBe(0);
    expect(existsSync(progressFile)).toBe(false);
  });

  it("refuses the progress of another run", async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error("enough"));
    await expect(pruned({ pattern: nm(2, 4), progressFile, signal: stop.signal, onProgress })).rejects.toThrow(
      "enough",
    );
    const other = pruned({ pattern: nm(1, 4), progressFile, resume: true });
    await expect(other).rejects.toMatchObject({ code: "bad-option", message: expect.stringContaining("another run") });
  });
});

describe("prune refuses", () => {
  const pattern = unstructured(0.5);
  it.each([
    ["recovery without samples", { recover: "least-squares" }, /samples/],
    ["obs without samples", { criterion: obs() }, /samples/],
    ["a schedule without samples", { schedule: "cubic" }, /schedule.*samples/],
    ["an output error without samples", { maxOutputError: 0.1 }, /output error.*samples/],
    ["steps without a schedule", { calibration, steps: 3 }, /schedule/],
    ["a single step", { calibration, schedule: "cubic", steps: 1 }, /at least 2/],
    ["the group model in stages", { calibration, pattern: unstructured(0.5, { group: "model" }) }, /allocation global/],
    ["a schedule of N:M", { calibration, pattern: nm(2, 4), schedule: "cubic" }, /fixes its sparsity/],
    ["no samples at all", { calibration: [] }, /no samples/],
  ] as const)("%s", async (_, options, message) => {
    await expect(prune(dense, { criterion: l1(), pattern, ...options })).rejects.toThrow(message);
  });
});
