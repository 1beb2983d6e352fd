import { computeMasks, l1, unstructured } from "@espalier/core";
import { applyMasks } from "@espalier/export";
import { decodeModel, encodeModel, prunableWeights } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import {
  formatVerification,
  isVerifyError,
  type VerifyError,
  type VerifyOptions,
  verifyPruned,
} from "@espalier/verify";
import { describe, expect, it } from "vitest";

/** A classifier that copies its four inputs; pruning takes the smallest of its weights, so that class 3 is never found. */
const diagonal = Float32Array.from({ length: 16 }, (_, index) => (index % 5 === 0 ? (index === 15 ? 1 : 2) : 0));
const original = decodeModel(
  buildModel({
    nodes: [node("MatMul", ["x", "W"], ["y"])],
    initializers: [tensor("W", [4, 4], diagonal)],
    inputs: [valueInfo("x", "float32", ["batch", 4])],
    outputs: [valueInfo("y", "float32", ["batch", 4])],
  }),
);
const weights = prunableWeights(original).filter((weight) => weight.prunable);
const pattern = unstructured(13 / 16);
const { mask } = computeMasks(weights, { criterion: l1(), pattern }).get("W")!;
const pruned = decodeModel(
  encodeModel(applyMasks(original, weights, new Map([["W", mask]]), { tool: "test 1.0", criterion: l1(), pattern })),
);

/** 1000 examples in batches of 50; the last `lost` of them are of class 3, which only the original finds. */
function samplesWith(lost: number): { samples: Sample[]; labels: number[] } {
  const labels = Array.from({ length: 1000 }, (_, index) => (index < 1000 - lost ? index % 3 : 3));
  const samples = Array.from({ length: 20 }, (_, batch) => {
    const data = new Float32Array(200);
    for (let row = 0; row < 50; row++) data[4 * row + labels[50 * batch + row]!] = 1;
    return { x: { dtype: "float32" as const, dims: [50, 4], data } };
  });
  return { samples, labels };
}

async function accuracyOf(lost: number, options: Partial<VerifyOptions> = {}) {
  const { samples, labels } = samplesWith(lost);
  const { checks } = await verifyPruned({ original, pruned, samples, accuracy: { labels }, ...options });
  return checks.find(({ name }) => name === "accuracy")!;
}

async function errorOf(options: Partial<VerifyOptions>): Promise<VerifyError> {
  try {
    await verifyPruned({ original, pruned, samples: samplesWith(10).samples, ...options });
  } catch (error) {
    if (isVerifyError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the check accuracy", () => {
  it("measures the drop with its interval, and does not judge it without a limit", async () => {
    const check = await accuracyOf(10);
    expect(check).toMatchObject({
      status: "skipped",
      measured: 0.01,
      figures: {
        kind: "accuracy",
        metric: "top-1 accuracy",
        examples: 1000,
        original: 1,
        pruned: 0.99,
        worse: 10,
        better: 0,
        worstExample: 990,
      },
    });
    expect(check.message).toMatch(
      /^top-1 accuracy over 1000 examples: 1 original, 0\.99 pruned, lower on 10 \(most on 990\) and higher on 0; drop 0\.01, 95 % interval 0\.00[3-5] to 0\.01[6-8] \(paired bootstrap\); no limit/,
    );
  });

  it("passes a drop of exactly the limit and fails one just beyond", async () => {
    expect(await accuracyOf(10, { maxAccuracyDrop: 0.01 })).toMatchObject({ status: "passed", limit: 0.01 });
    expect(await accuracyOf(11, { maxAccuracyDrop: 0.01 })).toMatchObject({ status: "failed", measured: 0.011 });
    expect(await accuracyOf(0, { maxAccuracyDrop: 0 })).toMatchObject({ status: "passed", measured: 0 });
  });

  it("judges by the upper end of the interval when it is to be sure", async () => {
    const unsure = await accuracyOf(10, { maxAccuracyDrop: 0.012, confident: true });
    expect(unsure.status).toBe("failed");
    expect(unsure.measured).toBeGreaterThan(0.015);
    expect(unsure.message).toMatch(/; judged by the upper end$/);
    expect(await accuracyOf(10, { maxAccuracyDrop: 0.02, confident: true })).toMatchObject({ status: "passed" });
  });

  it("takes a metric of the caller's", async () => {
    const metric = ({ y }: Readonly<Record<string, { data: ArrayLike<unknown> }>>): number => y!.data[3] as number;
    const check = await accuracyOf(10, { accuracy: { metric }, maxAccuracyDrop: 1 });
    // Of the first row of each of 20 batches none is of class 3 (those are in the last 10 rows).
    expect(check).toMatchObject({ status: "passed", measured: 0, figures: { metric: "metric", examples: 20 } });
    expect(check.message).toContain("lower on 0 and higher on 0");
  });

  it("is not there when nobody asks for it, and fails where outputs cannot be compared", async () => {
    const { samples, labels } = samplesWith(0);
    const plain = await verifyPruned({ original, pruned, samples });
    expect(plain.checks.map(({ name }) => name)).not.toContain("accuracy");
    const broken = encodeModel(original);
    const found = await verifyPruned({
      original,
      pruned,
      prunedSource: withNaN(broken),
      samples,
      accuracy: { labels },
      maxAccuracyDrop: 0.5,
    });
    expect(found.checks.filter(({ status }) => status === "failed").map(({ name }) => name)).toEqual([
      "outputs",
      "accuracy",
    ]);
  });

  it("gives the same figures every time, and is told in the text", async () => {
    const { samples, labels } = samplesWith(30);
    const options = { original, pruned, samples, accuracy: { labels }, maxAccuracyDrop: 0.1 };
    const [first, second] = [await verifyPruned(options), await verifyPruned(options)];
    expect(first).toEqual(second);
    expect(formatVerification(first)).toMatch(/\| accuracy +\| passed +\| +0\.03 \| +0\.1 \|/);
  });
});

/** The model's bytes with a NaN for its first weight, 2. */
function withNaN(bytes: Uint8Array): Uint8Array {
  const at = Buffer.from(bytes).indexOf(Buffer.from(diagonal.buffer));
  const changed = Buffer.from(bytes);
  changed.writeFloatLE(Number.NaN, at);
  return changed;
}

describe("the check accuracy, wrong input", () => {
  it("says what was measured before labels turned out too few", async () => {
    const error = await errorOf({ accuracy: { labels: [0, 1, 2] } });
    expect([error.code, error.sample]).toEqual(["bad-labels", 0]);
    expect(error.checks.map(({ name }) => name)).toEqual([
      "pattern",
      "sparsity",
      "kept-weights",
      "rest-unchanged",
      "record",
      "idempotent",
      "loads",
    ]);
  });

  it("hands on the cause of a metric that fails", async () => {
    const cause = new RangeError("out of range");
    const error = await errorOf({
      accuracy: {
        metric: () => {
          throw cause;
        },
      },
    });
    expect([error.code, error.cause]).toEqual(["bad-metric", cause]);
  });

  it.each<[Partial<VerifyOptions>, string]>([
    [{ maxAccuracyDrop: 0.1 }, "maxAccuracyDrop needs accuracy: give labels or a metric"],
    [{ accuracy: { labels: [] }, maxAccuracyDrop: -0.1 }, "maxAccuracyDrop is -0.1"],
    [{ accuracy: { labels: [] }, confident: true }, "confident judges a drop: give maxAccuracyDrop"],
    [{ accuracy: { labels: [], top: 0 } }, "accuracy.top is 0, expected a whole number of at least 1"],
  ])("refuses %o", async (options, message) => {
    const error = await errorOf(options);
    expect(error.code).toBe("invalid-option");
    expect(error.message).toContain(message);
  });

  it("refuses to judge made-up feeds by labels", async () => {
    const rejected = verifyPruned({ original, pruned, accuracy: { labels: [1] } });
    await expect(rejected).rejects.toThrow("accuracy needs samples: made-up feeds have no right answers");
  });
});
