import { createHash } from "node:crypto";
import {
  type Criterion,
  computeMasks,
  l1,
  l2,
  Mask,
  nm,
  type Pattern,
  random,
  unstructured,
  wanda,
} from "@espalier/core";
import { applyMasks, applyMasksInSteps, ExportError, isExportError, type PruningRun } from "@espalier/export";
import {
  decodeModel,
  encodeModel,
  type Model,
  metadata,
  type PrunableWeight,
  prunableWeights,
  tensorBytes,
  withMetadata,
} from "@espalier/onnx";
import { buildModel, node, type TensorElements, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

const KEY = "espalier.pruning";

/** x [1, 4] · W [4, 2] · V [2, 2], so that there are two weights of 8 and 4 entries. */
function twoLayers(w: TensorElements, v: TensorElements, storage: "raw" | "typed" = "raw"): Uint8Array {
  return buildModel({
    nodes: [node("MatMul", ["x", "W"], ["h"]), node("MatMul", ["h", "V"], ["y"])],
    initializers: [tensor("W", [4, 2], w, storage), tensor("V", [2, 2], v, storage)],
    inputs: [valueInfo("x", "float32", [1, 4])],
    outputs: [valueInfo("y", "float32", [1, 2])],
    metadata: { author: "somebody" },
  });
}

const W = Float32Array.of(-1, 0.5, 3, -0, -0.25, 6, 7, -8);
const V = Float32Array.of(1, 2, 3, 4);
const run: PruningRun = { tool: "test 1.0", criterion: l1(), pattern: unstructured(0.5) };

function prunable(model: Model): PrunableWeight[] {
  return prunableWeights(model).filter((weight) => weight.prunable);
}

/** Masks by name from texts such as `10110100`, 1 = keep. */
function masksOf(texts: Record<string, string>): Map<string, Mask> {
  return new Map(Object.entries(texts).map(([name, text]) => [name, Mask.from([...text].map(Number))]));
}

function apply(model: Model, masks: Record<string, string>, how: Partial<PruningRun> = {}): Model {
  return applyMasks(model, prunable(model), masksOf(masks), { ...run, ...how });
}

function prune(model: Model, criterion: Criterion, pattern: Pattern, names?: readonly string[]): Model {
  const weights = prunable(model).filter(({ name }) => names?.includes(name) ?? true);
  const masks = new Map([...computeMasks(weights, { criterion, pattern })].map(([name, { mask }]) => [name, mask]));
  return applyMasks(model, weights, masks, { tool: "test 1.0", criterion, pattern });
}

function bytesOf(model: Model, name: string): Uint8Array {
  return tensorBytes(model, prunable(model).find((weight) => weight.name === name)!.tensor);
}

function stepsOf(model: Model): Record<string, unknown>[] {
  return JSON.parse(metadata(model).get(KEY)!).steps;
}

function errorOf(action: () => unknown): ExportError {
  try {
    action();
  } catch (error) {
    if (isExportError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("applyMasks, the weights", () => {
  it("makes pruned entries +0 and leaves kept ones as they are, −0 included", () => {
    const pruned = apply(decodeModel(twoLayers(W, V)), { W: "01010110" });
    const values = new Float32Array(bytesOf(pruned, "W").buffer);
    expect([...values].map((value) => (Object.is(value, -0) ? "-0" : value))).toEqual([0, 0.5, 0, "-0", 0, 6, 7, 0]);
  });

  it("changes nothing in the file but the pruned entries and the record at its end", () => {
    const bytes = twoLayers(W, V);
    const encoded = encodeModel(apply(decodeModel(bytes), { W: "01010110" }));
    const expected = Buffer.from(bytes);
    const start = expected.indexOf(Buffer.from(W.buffer));
    for (const index of [0, 2, 4, 7]) expected.fill(0, start + 4 * index, start + 4 * index + 4);
    expect(Buffer.compare(encoded.subarray(0, bytes.length), expected)).toBe(0);
    expect(metadata(decodeModel(encoded))).toEqual(
      new Map([
        ["author", "somebody"],
        [KEY, expect.any(String)],
      ]),
    );
  });

  it("leaves the model it was given alone, and computes the new bytes on every read", () => {
    const model = decodeModel(twoLayers(W, V));
    const pruned = apply(model, { W: "01010110" });
    bytesOf(pruned, "W").fill(0xff);
    expect(bytesOf(model, "W")).toEqual(new Uint8Array(W.buffer));
    expect(new Float32Array(bytesOf(pruned, "W").buffer)[1]).toBe(0.5);
  });

  it.each([
    ["float64", Float64Array.of(-1, 2, 3, -4, 5, 6, 7, 8), 8],
    ["float16", { dtype: "float16", bits: Uint16Array.of(0xbc00, 2, 3, 4, 5, 6, 7, 8) } as const, 2],
    ["bfloat16", { dtype: "bfloat16", bits: Uint16Array.of(0xbf80, 2, 3, 4, 5, 6, 7, 8) } as const, 2],
  ])("prunes %s weights in raw and in typed storage alike", (_, elements, size) => {
    for (const storage of ["raw", "typed"] as const) {
      const model = decodeModel(twoLayers(elements, V, storage));
      const before = bytesOf(model, "W");
      const after = bytesOf(decodeModel(encodeModel(apply(model, { W: "00111111" }))), "W");
      expect(after.subarray(0, 2 * size)).toEqual(new Uint8Array(2 * size));
      expect(after.subarray(2 * size)).toEqual(before.subarray(2 * size));
    }
  });

  it("writes the zero point of each channel into pruned entries of quantised weights", () => {
    const bytes = buildModel({
      nodes: [node("DequantizeLinear", ["Q", "s", "z"], ["W"], { axis: 1 }), node("MatMul", ["x", "W"], ["y"])],
      initializers: [
        tensor("Q", [4, 2], Int8Array.of(1, 2, 3, 4, 5, 6, 7, 8)),
        tensor("s", [2], Float32Array.of(0.5, 0.25)),
        tensor("z", [2], Int8Array.of(-3, 9)),
      ],
      inputs: [valueInfo("x", "float32", [1, 4])],
      outputs: [valueInfo("y", "float32", [1, 2])],
    });
    const model = decodeModel(bytes);
    const pruned = apply(model, { Q: "00110110" });
    expect([...new Int8Array(bytesOf(pruned, "Q").buffer)]).toEqual([-3, 9, 3, 4, -3, 6, 7, 9]);
    expect(apply(pruned, { Q: "00110110" })).toBe(pruned);
  });
});

describe("applyMasks, weights of several pieces", () => {
  // A piece has 4 MiB. Entries go in a pattern whose period divides no piece, so that a mask read from the wrong place differs.
  const keeps = (index: number): boolean => index % 3 === 1 || index % 7 === 2;

  function bigWeight(elements: TensorElements, entries: number): { model: Model; mask: Mask } {
    const bytes = buildModel({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [tensor("W", [2, entries / 2], elements)],
    });
    return { model: decodeModel(bytes), mask: Mask.from(Array.from({ length: entries }, (_, index) => keeps(index))) };
  }

  it.each([
    ["float32", 4, (count: number) => new Float32Array(count).fill(-1)],
    ["float64", 8, (count: number) => new Float64Array(count).fill(-1)],
    ["float16", 2, (count: number) => ({ dtype: "float16", bits: new Uint16Array(count).fill(0xbc00) }) as const],
  ])("clears the entries of %s that the mask prunes, in every piece", (_, size, elements) => {
    const entries = (9 * 2 ** 20) / size + 2;
    const { model, mask } = bigWeight(elements(entries), entries);
    const before = bytesOf(model, "W");
    const after = bytesOf(applyMasks(model, prunable(model), new Map([["W", mask]]), run), "W");
    const expected = before.map((byte, at) => (keeps(Math.floor(at / size)) ? byte : 0));
    expect(Buffer.compare(after, expected)).toBe(0);
  });

  it("writes the zero point of the entry's own channel in every piece", () => {
    const entries = 4 * 2 ** 20 + 10;
    const bytes = buildModel({
      nodes: [node("DequantizeLinear", ["Q", "s", "z"], ["W"], { axis: 0 }), node("MatMul", ["x", "W"], ["y"])],
      initializers: [
        tensor("Q", [2, entries / 2], new Int8Array(entries).fill(100)),
        tensor("s", [2], Float32Array.of(1, 1)),
        tensor("z", [2], Int8Array.of(-3, 9)),
      ],
    });
    const model = decodeModel(bytes);
    const mask = Mask.from(Array.from({ length: entries }, (_, index) => keeps(index)));
    const pruned = applyMasks(model, prunable(model), new Map([["Q", mask]]), run);
    const values = new Int8Array(bytesOf(pruned, "Q").buffer);
    const expected = (index: number): number => (index < entries / 2 ? -3 : 9);
    expect(values.findIndex((value, index) => value !== (keeps(index) ? 100 : expected(index)))).toBe(-1);
    expect(applyMasks(pruned, prunable(pruned), new Map([["Q", mask]]), run)).toBe(pruned);
  });

  it("finds the one bit that would change in the last piece, and hashes all of them", () => {
    const entries = 2 * 2 ** 20 + 6;
    const values = Float32Array.from({ length: entries }, (_, index) => (keeps(index) ? 1 : 0));
    const { model, mask } = bigWeight(values, entries);
    const same = applyMasks(model, prunable(model), new Map([["W", mask]]), run);
    const hash = createHash("sha256")
      .update(`W\0${4 * entries}\0`)
      .update(new Uint8Array(values.buffer));
    expect(stepsOf(same)[0]!.originalWeights).toBe(`sha256:${hash.digest("hex")}`);
    expect(applyMasks(same, prunable(same), new Map([["W", mask]]), run)).toBe(same);

    const last = Mask.from(Array.from({ length: entries }, (_, index) => index !== entries - 1 && keeps(index)));
    expect(keeps(entries - 1)).toBe(true);
    const pruned = applyMasks(same, prunable(same), new Map([["W", last]]), run);
    values[entries - 1] = 0;
    expect(Buffer.compare(bytesOf(pruned, "W"), new Uint8Array(values.buffer))).toBe(0);
  });
});

describe("applyMasksInSteps", () => {
  it("yields every weight that it reads, by name, and ends in the same model", () => {
    const model = decodeModel(twoLayers(W, V));
    const masks = masksOf({ W: "01010110", V: "0011" });
    const steps = applyMasksInSteps(model, prunable(model), masks, run);
    expect([steps.next(), steps.next()]).toEqual([
      { done: false, value: "V" },
      { done: false, value: "W" },
    ]);
    const { done, value } = steps.next();
    expect(done).toBe(true);
    expect(encodeModel(value as Model)).toEqual(encodeModel(applyMasks(model, prunable(model), masks, run)));
  });

  it("reads nothing where nothing is pruned", () => {
    const model = decodeModel(twoLayers(W, V));
    const steps = applyMasksInSteps(model, prunable(model), masksOf({ V: "1111" }), run);
    expect(steps.next()).toEqual({ done: true, value: model });
  });
});

describe("applyMasks, twice", () => {
  it.each([
    ["l1, half of each layer", l1(), unstructured(0.5)],
    ["l2, half of each row", l2(), unstructured(0.5, { group: "row" })],
    ["random, over the whole model", random(7), unstructured(0.3, { group: "model" })],
  ])("gives the same bytes when a pruned model is pruned again: %s", (_, criterion, pattern) => {
    const once = encodeModel(prune(decodeModel(twoLayers(W, V)), criterion, pattern));
    const twice = encodeModel(prune(decodeModel(once), criterion, pattern));
    expect(Buffer.compare(once, twice)).toBe(0);
    expect(Buffer.compare(once, twoLayers(W, V))).not.toBe(0);
  });

  it("gives back the model itself at sparsity 0, without a record", () => {
    const model = decodeModel(twoLayers(W, V));
    expect(prune(model, l1(), unstructured(0))).toBe(model);
  });

  it("records a pruning that found all its zeros there already, because no record tells of it", () => {
    const zeros = Float32Array.of(0, 1, 0, 1, 0, 1, 0, 1);
    const model = decodeModel(twoLayers(zeros, V));
    const pruned = prune(model, l1(), unstructured(0.5), ["W"]);
    expect(bytesOf(pruned, "W")).toEqual(bytesOf(model, "W"));
    expect(stepsOf(pruned)).toHaveLength(1);
  });

  it("does not take −0 for the +0 that a pruned entry must be", () => {
    const pruned = prune(decodeModel(twoLayers(W, V)), l1(), unstructured(0.125), ["W"]);
    expect(new Uint32Array(bytesOf(pruned, "W").buffer)[3]).toBe(0);
    expect(stepsOf(pruned)).toHaveLength(1);
  });

  it("adds a step when the options differ, even if no bit does", () => {
    const once = prune(decodeModel(twoLayers(W, V)), l1(), unstructured(0.5));
    const twice = prune(once, l2(), unstructured(0.5));
    expect(bytesOf(twice, "W")).toEqual(bytesOf(once, "W"));
    expect(stepsOf(twice).map((step) => step.criterion)).toEqual(["l1", "l2"]);
  });

  it("adds a step for a weight that the last one did not name, and none for fewer weights", () => {
    const once = prune(decodeModel(twoLayers(W, Float32Array.of(0, 0, 3, 4))), l1(), unstructured(0.5), ["W"]);
    const more = prune(once, l1(), unstructured(0.5));
    expect(stepsOf(more).map((step) => step.weights)).toEqual([["W"], ["V", "W"]]);
    expect(prune(more, l1(), unstructured(0.5), ["W"])).toBe(more);
  });
});

describe("applyMasks, the record", () => {
  it("says what was done, with a hash over names and bytes before the step, and no time", () => {
    const model = decodeModel(twoLayers(W, V));
    const hash = createHash("sha256");
    hash.update("V\x0016\0").update(new Uint8Array(V.buffer)).update("W\x0032\0").update(new Uint8Array(W.buffer));
    expect(JSON.parse(metadata(prune(model, l1(), unstructured(0.5))).get(KEY)!)).toEqual({
      version: 1,
      steps: [
        {
          tool: "test 1.0",
          criterion: "l1",
          pattern: "unstructured",
          sparsity: 0.5,
          group: "layer",
          weights: ["V", "W"],
          originalWeights: `sha256:${hash.digest("hex")}`,
        },
      ],
    });
  });

  it("records the group that the criterion chose, the seed of random, and no group for N:M", () => {
    const model = decodeModel(twoLayers(W, V));
    const steps = [
      apply(model, { V: "0011" }, { criterion: wanda() }),
      apply(model, { V: "0011" }, { criterion: random(42) }),
      apply(model, { V: "0011" }, { pattern: nm(2, 4) }),
    ].map((pruned) => stepsOf(pruned)[0]!);
    expect(steps.map(({ group, seed, pattern }) => [pattern, group, seed])).toEqual([
      ["unstructured", "row", undefined],
      ["unstructured", "layer", 42],
      ["2:4", undefined, undefined],
    ]);
  });

  it("hashes each step's weights as that step found them", () => {
    const once = prune(decodeModel(twoLayers(W, V)), l1(), unstructured(0.25));
    const twice = prune(once, l1(), unstructured(0.5));
    const again = prune(decodeModel(encodeModel(once)), l2(), unstructured(0.5));
    const [first, second] = stepsOf(twice).map((step) => step.originalWeights);
    expect(first).not.toBe(second);
    expect(stepsOf(again)[1]!.originalWeights).toBe(second);
  });

  it("keeps what a newer version wrote into the record", () => {
    const once = prune(decodeModel(twoLayers(W, V)), l1(), unstructured(0.25));
    const newer = { ...JSON.parse(metadata(once).get(KEY)!), zone: 3 };
    const pruned = prune(withMetadata(once, new Map([[KEY, JSON.stringify(newer)]])), l1(), unstructured(0.5));
    expect(JSON.parse(metadata(pruned).get(KEY)!)).toMatchObject({ zone: 3, steps: [{}, {}] });
  });

  it("refuses to write over a record that it cannot read", () => {
    const model = withMetadata(decodeModel(twoLayers(W, V)), new Map([[KEY, "my notes"]]));
    const error = errorOf(() => prune(model, l1(), unstructured(0.5)));
    expect(error.code).toBe("bad-record");
    expect(error.message).toBe(
      "the model's metadata entry espalier.pruning is no pruning record: the text is not JSON; remove the entry and prune again",
    );
  });
});

describe("applyMasks, wrong input", () => {
  const model = decodeModel(twoLayers(W, V));

  it("refuses a mask of another length and names weight, length and shape", () => {
    const error = errorOf(() => apply(model, { V: "0011", W: "0011" }));
    expect([error.code, error.weight]).toEqual(["mask-mismatch", "W"]);
    expect(error.message).toBe('the mask of "W" has 4 entries, expected 8 for its shape [4, 2]');
  });

  it("refuses a mask for a weight that was not given", () => {
    const error = errorOf(() => applyMasks(model, prunable(model).slice(0, 1), masksOf({ V: "0011" }), run));
    expect([error.code, error.weight]).toEqual(["unknown-weight", "V"]);
  });

  it("refuses a run that the record cannot hold", () => {
    const pattern = { ...nm(2, 4), sparsity: 1 };
    const error = errorOf(() => apply(model, { V: "0011" }, { pattern }));
    expect(error.code).toBe("invalid-run");
    expect(error.message).toContain("sparsity to be a fraction in [0, 1), found 1");
  });

  it("tells its errors from others, also those of another copy of the package", () => {
    const foreign = Object.assign(new Error("x"), { name: "ExportError", code: "bad-record" });
    expect(isExportError(foreign)).toBe(true);
    expect(isExportError(new ExportError("bad-record", "x"))).toBe(true);
    expect(isExportError(new Error("x"))).toBe(false);
  });
});
