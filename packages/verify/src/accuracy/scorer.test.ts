import type { Tensor } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { isVerifyError, type VerifyError } from "../verify-error.js";
import type { Metric } from "./accuracy-options.js";
import { scorerOf } from "./scorer.js";
import { isAmongTop } from "./top-k.js";

const floats = (dims: number[], ...data: number[]): Tensor => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(data),
});
const classes = (...data: bigint[]): Tensor => ({
  dtype: "int64",
  dims: [data.length],
  data: BigInt64Array.from(data),
});

async function errorOf(action: () => unknown): Promise<VerifyError> {
  try {
    await action();
  } catch (error) {
    if (isVerifyError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("isAmongTop", () => {
  const scores = [9, 0.1, 0.5, 0.5, 0.7];

  // From index 1 on, four classes: 0.1, 0.5, 0.5, 0.7.
  it("counts the classes that score higher, the lower class first among equals", () => {
    const ranks = [0, 1, 2, 3].map((label) => [1, 2, 3, 4].find((top) => isAmongTop(scores, 1, 4, label, top)));
    expect(ranks).toEqual([4, 2, 3, 1]);
  });

  it("never takes a NaN for a right answer, nor for a low score", () => {
    expect(isAmongTop([Number.NaN, 1], 0, 2, 0, 2)).toBe(false);
    expect(isAmongTop([Number.NaN, 1], 0, 2, 1, 1)).toBe(false);
    expect(isAmongTop([Number.NaN, 1], 0, 2, 1, 2)).toBe(true);
  });
});

describe("scorerOf labels", () => {
  it("scores every row of a batch with its own label, on through the samples", async () => {
    const scorer = scorerOf({ labels: [1, 0, 1] });
    const first = await scorer.score({ y: floats([2, 2], 1, 2, 3, 4) }, { y: floats([2, 2], 2, 1, 4, 3) }, 0);
    expect(first).toEqual({ original: [1, 0], pruned: [0, 1] });
    expect(await scorer.score({ y: floats([1, 2], 0, 1) }, { y: floats([1, 2], 0, 1) }, 1)).toEqual({
      original: [1],
      pruned: [1],
    });
    expect(scorer.name).toBe("top-1 accuracy");
    expect(() => scorer.finish(2)).not.toThrow();
  });

  it("takes the named output, and the best several classes", async () => {
    const scorer = scorerOf({ labels: Int32Array.of(2), output: "logits", top: 2 });
    const outputs = (...data: number[]) => ({ pooled: floats([1, 3], 1, 0, 0), logits: floats([1, 3], ...data) });
    expect(await scorer.score(outputs(1, 3, 2), outputs(2, 3, 1), 0)).toEqual({ original: [1], pruned: [0] });
    expect(scorer.name).toBe("top-2 accuracy");
  });

  it("takes integers for the classes themselves", async () => {
    const scorer = scorerOf({ labels: [7, 3] });
    expect(await scorer.score({ y: classes(7n, 3n) }, { y: classes(7n, 4n) }, 0)).toEqual({
      original: [1, 1],
      pruned: [1, 0],
    });
  });

  const one = { y: floats([1, 2], 1, 0) };
  const score = (accuracy: Parameters<typeof scorerOf>[0], outputs: Record<string, Tensor> = one) => {
    return () => scorerOf(accuracy).score(outputs, outputs, 0);
  };

  it.each<[string, () => unknown, string, string]>([
    ["a label too few", score({ labels: [] }), "bad-labels", "there are 0 labels, and sample 0 needs one more"],
    [
      "a label too many",
      () => scorerOf({ labels: [1, 0] }).finish(0),
      "bad-labels",
      "there are 2 labels for 0 examples",
    ],
    ["a class that is none", score({ labels: [2] }), "bad-labels", "label 0 is 2, expected an integer in [0, 2)"],
    ["a label that is no integer", score({ labels: [0.5] }), "bad-labels", "label 0 is 0.5"],
    [
      "an output that is missing",
      score({ labels: [0], output: "z" }),
      "invalid-option",
      'labels are for output "z", the model has "y"',
    ],
    [
      "two outputs and no name",
      score({ labels: [0] }, { a: one.y, b: one.y }),
      "invalid-option",
      'one output, the model has "a", "b"',
    ],
    [
      "an embedding of one number",
      score({ labels: [0] }, { y: floats([1], 1) }),
      "invalid-option",
      "less than two classes",
    ],
    [
      "texts",
      score({ labels: [0] }, { y: { dtype: "string", dims: [1], data: ["a"] } }),
      "invalid-option",
      "holds texts",
    ],
    [
      "the best two of one class",
      score({ labels: [0], top: 2 }, { y: classes(1n) }),
      "invalid-option",
      "top 2 means nothing",
    ],
  ])("refuses %s", async (_, action, code, message) => {
    const error = await errorOf(async () => action());
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});

describe("scorerOf a metric", () => {
  const outputs = (value: number) => ({ y: floats([1], value) });
  const closeness: Metric = ({ y }, label) => -Math.abs((y!.data as Float32Array)[0]! - (label as number));

  it("hands it the outputs and the label of each sample, for both models", async () => {
    const scorer = scorerOf({ metric: closeness, labels: [10, 20] });
    expect(await scorer.score(outputs(9), outputs(7), 0)).toEqual({ original: [-1], pruned: [-3] });
    expect(await scorer.score(outputs(19), outputs(22), 1)).toEqual({ original: [-1], pruned: [-2] });
    expect(scorer.name).toBe("closeness");
    expect((await errorOf(() => scorer.score(outputs(1), outputs(1), 2))).code).toBe("bad-labels");
    expect((await errorOf(() => scorer.finish(1))).message).toContain("2 labels for 1 sample");
  });

  it("calls it metric where it has no name of its own, as an arrow function that is a default export", async () => {
    const url: string = "data:text/javascript,export default () => 1";
    const { default: exported } = await import(url);
    for (const metric of [
      exported,
      (
        () => () =>
          1
      )(),
    ])
      expect(scorerOf({ metric }).name).toBe("metric");
  });

  it("takes several scores for a sample that holds several examples, and promises of them", async () => {
    const metric: Metric = async ({ y }) => [...(y!.data as Float32Array)];
    expect(await scorerOf({ metric }).score(outputs(1), outputs(2), 0)).toEqual({ original: [1], pruned: [2] });
  });

  it.each<[string, Metric, string]>([
    [
      "throws",
      () => {
        throw new Error("no such file");
      },
      "failed on sample 3 of the original: no such file",
    ],
    [
      "rejects",
      async () => {
        throw new Error("later");
      },
      "failed on sample 3 of the original: later",
    ],
    ["gives NaN", () => Number.NaN, "gave NaN on sample 3 of the original"],
    [
      "gives NaN for the pruned model alone",
      ({ y }) => (y!.data[0] === 2 ? Number.NaN : 1),
      "gave NaN on sample 3 of the pruned model",
    ],
    ["gives nothing", () => [], "gave no score on sample 3"],
    ["gives text", () => ["right"] as never, "gave right on sample 3"],
    [
      "gives another number of scores",
      ({ y }) => (y!.data[0] === 2 ? [1, 2] : 1),
      "gave 1 scores for the original and 2 for",
    ],
  ])("refuses one that %s", async (_, metric, message) => {
    const error = await errorOf(() => scorerOf({ metric }).score(outputs(1), outputs(2), 3));
    expect([error.code, error.sample]).toEqual(["bad-metric", 3]);
    expect(error.message).toContain(message);
  });
});
