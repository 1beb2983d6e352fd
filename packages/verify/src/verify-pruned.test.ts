import { brotliCompressSync } from "node:zlib";
import {
  type Criterion,
  computeMasks,
  l1,
  nm,
  type Pattern,
  rows,
  type Statistics,
  unstructured,
  wanda,
} from "@espalier/core";
import { applyMasks } from "@espalier/export";
import { decodeModel, encodeModel, type Model, prunableWeights } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { buildModel, node, random, type TensorElements, tensor, valueInfo } from "@espalier/testkit";
import { isVerifyError, type Verification, type VerifyError, type VerifyOptions, verifyPruned } from "@espalier/verify";
import { describe, expect, it } from "vitest";

function oneLayer(w: TensorElements, dtype = "float32"): Model {
  return decodeModel(
    buildModel({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [tensor("W", [8, 4], w)],
      inputs: [valueInfo("x", dtype, ["batch", 8])],
      outputs: [valueInfo("y", dtype, ["batch", 4])],
    }),
  );
}

function prune(model: Model, criterion: Criterion, pattern: Pattern, statistics?: Statistics): Model {
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const chosen = computeMasks(weights, { criterion, pattern, ...(statistics && { statistics }) });
  const masks = new Map([...chosen].map(([name, { mask }]) => [name, mask]));
  return decodeModel(encodeModel(applyMasks(model, weights, masks, { tool: "test 1.0", criterion, pattern })));
}

const original = oneLayer(random(5).float32(32));
const pruned = prune(original, l1(), nm(2, 4));

function sample(seed: number, width = 8): Sample {
  return { x: { dtype: "float32", dims: [1, width], data: random(seed).float32(width) } };
}

function checkOf(verification: Verification, name: string) {
  return verification.checks.find((check) => check.name === name)!;
}

async function errorOf(options: Partial<VerifyOptions>): Promise<VerifyError> {
  try {
    await verifyPruned({ original, pruned, ...options });
  } catch (error) {
    if (isVerifyError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("verifyPruned", () => {
  it("judges two models of which nothing differs, and says that nothing was pruned", async () => {
    const { status, checks } = await verifyPruned({ original, pruned: original, maxOutputError: 0 });
    expect(status).toBe("passed");
    expect(checks.map(({ name, status: each, measured }) => [name, each, measured])).toEqual([
      ["pattern", "skipped", null],
      ["sparsity", "skipped", 0],
      ["kept-weights", "passed", 0],
      ["rest-unchanged", "passed", 0],
      ["record", "skipped", null],
      ["idempotent", "skipped", null],
      ["loads", "passed", 0],
      ["outputs", "passed", 0],
    ]);
  });

  it("measures sparsity and distances without limits, and does not judge them", async () => {
    const verification = await verifyPruned({ original, pruned });
    expect(verification.status).toBe("passed");
    const sparsity = checkOf(verification, "sparsity");
    expect(sparsity).toMatchObject({ status: "skipped", measured: 0.5, limit: null });
    expect(sparsity.figures).toEqual({ kind: "sparsity", ofPruned: 0.5, ofPrunable: 0.5, ofAll: 0.5 });
    const outputs = checkOf(verification, "outputs");
    expect(outputs).toMatchObject({ status: "skipped", limit: null });
    expect(outputs.measured).toBeGreaterThan(0);
  });

  it("gives the same verification every time", async () => {
    const options = { original, pruned, gzip: true, samples: [sample(1), sample(2)], maxOutputError: 5 };
    expect(await verifyPruned(options)).toEqual(await verifyPruned(options));
  });

  it("reports the size of both models, raw and on request after gzip", async () => {
    const plain = await verifyPruned({ original, pruned });
    expect(plain.bytes).toEqual({ original: encodeModel(original).length, pruned: encodeModel(pruned).length });
    expect("gzipBytes" in plain).toBe(false);
    const { gzipBytes } = await verifyPruned({ original, pruned, gzip: true });
    expect(gzipBytes!.original).toBeGreaterThan(0);
    expect(gzipBytes!.pruned).toBeLessThan(plain.bytes.pruned);
    const compressed = await verifyPruned({ original, pruned, compressed: true });
    expect(compressed.gzipBytes).toEqual(gzipBytes);
    for (const [side, model] of [["original", original] as const, ["pruned", pruned] as const]) {
      // Quality 5 comes near 11, zlib's default; of so little data either may be a little smaller.
      const slowest = brotliCompressSync(encodeModel(model)).length;
      expect(Math.abs(compressed.brotliBytes![side] / slowest - 1)).toBeLessThan(0.2);
    }
  });

  it("times both models when asked, and leaves the field out otherwise", async () => {
    expect("latency" in (await verifyPruned({ original, pruned }))).toBe(false);
    const { latency } = await verifyPruned({ original, pruned, latencyRuns: 3 });
    expect(latency!.runs).toBe(3);
    for (const { min, median, max } of [latency!.original, latency!.pruned]) {
      expect(min).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(min);
      expect(max).toBeGreaterThanOrEqual(median);
    }
  });

  it("runs in WebAssembly as well", async () => {
    const { checks } = await verifyPruned({ original, pruned, backend: "web", minSparsity: 0.5, maxOutputError: 10 });
    expect(checks.map(({ status }) => status)).toEqual(Array(8).fill("passed"));
  });

  it("announces each check before it starts", async () => {
    const seen: string[] = [];
    const { checks } = await verifyPruned({
      original,
      pruned,
      onProgress: ({ check, done, total }) => seen.push(`${done}/${total} ${check}`),
    });
    expect(seen).toEqual(checks.map(({ name }, index) => `${index}/${checks.length} ${name}`));
  });

  it.each([
    ["float64", Float64Array.from(random(3).float32(32))],
    ["float16", { dtype: "float16", bits: Uint16Array.from({ length: 32 }, (_, i) => 0x3c00 + 7 * i) } as const],
  ])("judges %s weights", async (dtype, elements) => {
    const before = oneLayer(elements, dtype);
    const after = prune(before, l1(), nm(2, 4));
    const { checks } = await verifyPruned({ original: before, pruned: after, minSparsity: 0.5, maxOutputError: 10 });
    expect(checks.map(({ status }) => status)).toEqual(Array(8).fill("passed"));
  });

  it("judges quantised weights by their zero points", async () => {
    const quantised = decodeModel(
      buildModel({
        nodes: [node("DequantizeLinear", ["Q", "s", "z"], ["W"]), node("MatMul", ["x", "W"], ["y"])],
        initializers: [
          tensor(
            "Q",
            [8, 4],
            Int8Array.from({ length: 32 }, (_, i) => i * 5 - 77),
          ),
          tensor("s", [], Float32Array.of(0.125)),
          tensor("z", [], Int8Array.of(3)),
        ],
        inputs: [valueInfo("x", "float32", ["batch", 8])],
        outputs: [valueInfo("y", "float32", ["batch", 4])],
      }),
    );
    const after = prune(quantised, l1(), unstructured(0.25));
    const verification = await verifyPruned({ original: quantised, pruned: after, minSparsity: 0.25 });
    expect(verification.checks.filter(({ status }) => status === "failed")).toEqual([]);
    // A quarter of 32 is 8, and one of the 32 (the 16th, 16 · 5 − 77) is the zero point already.
    expect(checkOf(verification, "kept-weights").message).toMatch(/^7 entries of 1 weight became zero/);
  });
});

describe("verifyPruned, the weights that count", () => {
  const twice = (seed: number): Model =>
    decodeModel(
      buildModel({
        nodes: [node("MatMul", ["x", "W"], ["h"]), node("MatMul", ["h", "V"], ["y"])],
        initializers: [
          tensor("W", [8, 4], random(seed).float32(32)),
          tensor("V", [4, 6], random(seed + 1).float32(24)),
        ],
        inputs: [valueInfo("x", "float32", ["batch", 8])],
        outputs: [valueInfo("y", "float32", ["batch", 6])],
      }),
    );
  const both = twice(1);
  const pruneOnly = (model: Model, names: readonly string[], pattern: Pattern): Model => {
    const weights = prunableWeights(model).filter((weight) => weight.prunable && names.includes(weight.name));
    const views = weights.filter((weight) => weight.prunable);
    const masks = new Map(
      [...computeMasks(views, { criterion: l1(), pattern })].map(([name, { mask }]) => [name, mask]),
    );
    return applyMasks(model, views, masks, { tool: "test 1.0", criterion: l1(), pattern });
  };

  it("are those that changed, so a weight left dense breaks no pattern", async () => {
    const verification = await verifyPruned({
      original: both,
      pruned: pruneOnly(both, ["W"], nm(2, 4)),
      pattern: nm(2, 4),
      minSparsity: 0.5,
    });
    expect(checkOf(verification, "pattern").message).toBe("1 weight conforms to 2:4");
    const { figures } = checkOf(verification, "sparsity");
    expect(figures).toEqual({ kind: "sparsity", ofPruned: 0.5, ofPrunable: 16 / 56, ofAll: 16 / 56 });
  });

  it("are those that the caller names, pruned or not", async () => {
    const verification = await verifyPruned({
      original: both,
      pruned: pruneOnly(both, ["W"], nm(2, 4)),
      pattern: nm(2, 4),
      weights: () => true,
    });
    expect(checkOf(verification, "pattern").message).toMatch(
      /^weight "V" \(2:4\): .*; 1 of 2 weights breaks the pattern$/,
    );
  });

  // W has 4 rows of 8, V 6 rows of 4: at 0.3 one and two whole rows go, 16 of 56 entries, where 0.3 asks for 17. Half a row of
  // each, 4 + 2, is what rounding may leave. 0.45 asks for 25: 3 more than that excuses.
  it("may lack half a row each where whole rows go, and no more", async () => {
    const byRows = pruneOnly(both, ["W", "V"], rows(0.3));
    const judged = async (minSparsity: number) =>
      checkOf(await verifyPruned({ original: both, pruned: byRows, minSparsity }), "sparsity");
    expect(await judged(0.3)).toMatchObject({ status: "passed", measured: 16 / 56 });
    const failed = await judged(0.45);
    expect([failed.status, failed.message]).toEqual(["failed", expect.stringContaining("3 zeros too few")]);
  });

  it("are judged by the pattern of the last step that names them", async () => {
    const mixed = pruneOnly(pruneOnly(both, ["W"], nm(2, 4)), ["V"], unstructured(0.25));
    const verification = await verifyPruned({ original: both, pruned: mixed });
    expect(checkOf(verification, "pattern")).toMatchObject({ status: "passed" });
    expect(checkOf(verification, "pattern").message).toBe("2 weights conform to 2:4, unstructured");
  });

  it("may be pruned in steps: an original that was pruned before is an original too", async () => {
    const first = pruneOnly(both, ["W", "V"], unstructured(0.25));
    const second = pruneOnly(first, ["W", "V"], unstructured(0.5));
    for (const before of [both, first]) {
      const { checks } = await verifyPruned({ original: before, pruned: second, maxOutputError: 10, minSparsity: 0.5 });
      expect(checks.map(({ status }) => status)).toEqual(Array(8).fill("passed"));
    }
    const backwards = await verifyPruned({ original: second, pruned: first });
    expect(checkOf(backwards, "record").status).toBe("failed");
  });
});

describe("verifyPruned, statistics", () => {
  const statistics: Statistics = new Map([
    ["W", { sumOfSquares: Float64Array.of(1, 400, 9, 0.01, 7, 2500, 3, 1), count: 10 }],
  ]);
  const byWanda = prune(original, wanda(), unstructured(0.5), statistics);

  it("skips the repetition of wanda without them, and says so", async () => {
    const verification = await verifyPruned({ original, pruned: byWanda });
    const repeated = checkOf(verification, "idempotent");
    expect([repeated.status, repeated.message]).toEqual([
      "skipped",
      "wanda needs the statistics it was pruned with: give them",
    ]);
  });

  it("repeats wanda with them, by its own comparison group", async () => {
    const verification = await verifyPruned({ original, pruned: byWanda, statistics });
    expect(checkOf(verification, "idempotent").status).toBe("passed");
    expect(checkOf(verification, "pattern").status).toBe("passed");
  });
});

describe("verifyPruned, samples", () => {
  it("reads an asynchronous iterable once, to its end", async () => {
    let read = 0;
    async function* samples() {
      for (; read < 5; read++) yield sample(read);
    }
    const verification = await verifyPruned({ original, pruned, samples: samples(), latencyRuns: 1 });
    expect(read).toBe(5);
    expect(checkOf(verification, "outputs").figures).toMatchObject({ kind: "outputs", samples: 5, random: false });
  });

  it("closes the samples even when it does not come to their end", async () => {
    let closed = false;
    function* samples() {
      try {
        yield sample(0);
        yield sample(1);
      } finally {
        closed = true;
      }
    }
    const unknown = decodeModel(
      buildModel({
        nodes: [node("NoSuchOperator", ["x", "W"], ["y"])],
        initializers: [tensor("W", [8, 4], random(5).float32(32))],
        inputs: [valueInfo("x", "float32", ["batch", 8])],
        outputs: [valueInfo("y", "float32", ["batch", 4])],
      }),
    );
    const verification = await verifyPruned({ original: unknown, pruned: unknown, samples: samples() });
    expect(closed).toBe(true);
    expect(checkOf(verification, "loads").message).toMatch(
      /^neither model runs here: at optimisation level disabled: /,
    );
    expect(checkOf(verification, "outputs").message).toMatch(/^the original does not open here: /);
    expect(verification.status).toBe("passed");
  });

  it("refuses samples that hold nothing", async () => {
    expect((await errorOf({ samples: [] })).code).toBe("no-samples");
  });

  it("refuses a sample that the original does not take, and names it", async () => {
    const error = await errorOf({ samples: [sample(0), sample(1, 7)] });
    expect([error.code, error.sample]).toEqual(["bad-sample", 1]);
    expect(error.message).toMatch(/^the original does not run on sample 1: .*"x"/);
  });
});

describe("verifyPruned, options", () => {
  it.each([
    [{ minSparsity: 1 }, "minSparsity is 1, expected a fraction of zeros in [0, 1), such as 0.5"],
    [{ minSparsity: Number.NaN }, "minSparsity is NaN"],
    [{ maxOutputError: -0.1 }, "maxOutputError is -0.1"],
    [{ maxOutputError: Number.NaN }, "maxOutputError is NaN"],
    [{ latencyRuns: 1.5 }, "latencyRuns is 1.5"],
  ])("refuses %o", async (options, message) => {
    const error = await errorOf(options);
    expect(error.code).toBe("invalid-option");
    expect(error.message).toContain(message);
  });
});
