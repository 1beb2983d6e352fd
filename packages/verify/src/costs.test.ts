import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeModel, encodeModel, type Model } from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { isVerifyError, type VerifyOptions, verifyPruned } from "@espalier/verify";
import { describe, expect, it, vi } from "vitest";

/** x [batch, size] · W through as many layers as given: time and bytes grow with them. */
function layers(count: number, size: number, activation = "Relu"): Model {
  const values = random(1).float32(size * size);
  const names = Array.from({ length: count }, (_, index) => `W${index}`);
  return decodeModel(
    buildModel({
      nodes: names.flatMap((name, index) => [
        node("MatMul", [index === 0 ? "x" : `h${index - 1}`, name], [`g${index}`]),
        node(activation, [`g${index}`], [index === count - 1 ? "y" : `h${index}`]),
      ]),
      initializers: names.map((name) => tensor(name, [size, size], values)),
      inputs: [valueInfo("x", "float32", ["batch", size])],
      outputs: [valueInfo("y", "float32", ["batch", size])],
    }),
  );
}

const small = layers(1, 8);

async function checkOf(name: string, options: Partial<VerifyOptions>) {
  const { checks } = await verifyPruned({ original: small, pruned: small, ...options });
  return checks.find((check) => check.name === name);
}

describe("the check bytes", () => {
  const size = encodeModel(small).length;

  it("passes up to the limit and fails beyond", async () => {
    expect(await checkOf("bytes", { maxBytes: size })).toMatchObject({ status: "passed", measured: size, limit: size });
    const failed = await checkOf("bytes", { maxBytes: size - 1 });
    expect(failed).toMatchObject({ status: "failed", measured: size });
    expect(failed!.message).toBe(`the pruned model has ${size} bytes, 1.000 of the original's ${size}`);
  });

  it("is not there when nobody asks for it", async () => {
    expect(await checkOf("bytes", {})).toBeUndefined();
    expect(await checkOf("speedup", { latencyRuns: 10 })).toBeUndefined();
  });
});

describe("the check speedup", () => {
  it("finds that a twentieth of the work is faster, and that the same work is not twice as fast", async () => {
    const large = layers(20, 256);
    const fast = await checkOf("speedup", { original: large, pruned: layers(1, 256), minSpeedup: 1.5 });
    expect(fast).toMatchObject({ status: "passed", limit: 1.5 });
    expect(fast!.message).toMatch(/times as fast as the original, 95 % interval .* over 30 turns: faster; judged by/);
    const same = await checkOf("speedup", { original: large, pruned: large, minSpeedup: 2, latencyRuns: 10 });
    expect(same!.status).toBe("failed");
  });

  it("fails where the pruned model does not run, and is skipped where the original does not", async () => {
    const unknown = layers(1, 8, "NoSuchOperator");
    expect(await checkOf("speedup", { pruned: unknown, minSpeedup: 1 })).toMatchObject({
      status: "failed",
      measured: null,
    });
    expect(await checkOf("speedup", { original: unknown, minSpeedup: 1 })).toMatchObject({ status: "skipped" });
  });

  it("hands its times to the verification", async () => {
    const { latency } = await verifyPruned({ original: small, pruned: small, minSpeedup: 0.01, latencyRuns: 12 });
    expect(latency!.runs).toBe(12);
    expect(latency!.speedup.interval.low).toBeLessThanOrEqual(latency!.speedup.ratio);
    expect(latency!.speedup.interval.high).toBeGreaterThanOrEqual(latency!.speedup.ratio);
  });

  it.each<[Partial<VerifyOptions>, string]>([
    [{ maxBytes: -1 }, "maxBytes is -1"],
    [{ maxBytes: Number.NaN }, "maxBytes is NaN"],
    [{ minSpeedup: 0 }, "minSpeedup is 0, expected a ratio above 0, such as 1.2"],
    [{ loads: 1.5 }, "loads is 1.5, expected a whole number of at least 0"],
    [{ minSpeedup: 1.1, latencyRuns: 5 }, "latencyRuns is 5, expected at least 10 for minSpeedup"],
  ])("refuses %o", async (options, message) => {
    const error = await verifyPruned({ original: small, pruned: small, ...options }).catch((caught) => caught);
    expect(isVerifyError(error) && error.code).toBe("invalid-option");
    expect(error.message).toContain(message);
  });
});

describe("what loading takes", () => {
  it("is measured for both models when asked for, also when they are bytes", async () => {
    const large = layers(16, 512);
    const { loading } = await verifyPruned({ original: small, pruned: large, loads: 1 });
    if (loading === undefined || "problem" in loading) throw new Error(loading?.problem ?? "not measured");
    expect(loading.original.processes).toBe(1);
    expect(loading.pruned.milliseconds.median).toBeGreaterThan(0);
    // 16 matrices of 1 MiB: were the models exchanged, or the runtime's own memory in it, this would not hold.
    if (process.platform === "linux") {
      expect(loading.pruned.peakBytes!.median - loading.original.peakBytes!.median).toBeGreaterThan(15e6);
      expect(loading.original.peakBytes!.median).toBeLessThan(15e6);
    }
  });

  it("is not there when nobody asks for it", async () => {
    expect((await verifyPruned({ original: small, pruned: small })).loading).toBeUndefined();
  });

  it("is a problem and no error where a model does not load", async () => {
    const unknown = layers(1, 8, "NoSuchOperator");
    const { loading } = await verifyPruned({ original: small, pruned: unknown, loads: 1 });
    expect(loading).toMatchObject({ problem: expect.stringMatching(/NoSuchOperator/) });
  });

  it("leaves no temporary folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "espalier-costs-"));
    vi.stubEnv("TMPDIR", folder);
    try {
      const models = layers(1, 8);
      expect((await verifyPruned({ original: models, pruned: models, loads: 1 })).loading).not.toHaveProperty(
        "problem",
      );
      // ONNX Runtime leaves files of its own there.
      expect(readdirSync(folder).filter((name) => name.startsWith("espalier"))).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    }
  });
});
