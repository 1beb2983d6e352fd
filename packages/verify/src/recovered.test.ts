import {
  allocatePattern,
  computeMasks,
  l1,
  nm,
  type Pattern,
  parseAllocation,
  random,
  unstructured,
  wanda,
} from "@espalier/core";
import { applyMasks, type PruningRun, type Recovery } from "@espalier/export";
import {
  decodeModel,
  encodeModel,
  type Model,
  metadata,
  prunableWeights,
  type TensorProto,
  tensorBytes,
  tensorValues,
  walkTensors,
  withMetadata,
  withTensorData,
} from "@espalier/onnx";
import { buildModel, node, random as numbersFrom, tensor, valueInfo } from "@espalier/testkit";
import { type Check, type VerifyOptions, verifyPruned } from "@espalier/verify";
import { describe, expect, it } from "vitest";

/** Models whose kept weights and biases were changed on purpose: what the record says is accepted, anything else is found. */

const KEY = "espalier.pruning";
const ALL_PASSED = [
  "pattern",
  "sparsity",
  "kept-weights",
  "rest-unchanged",
  "record",
  "idempotent",
  "loads",
  "outputs",
];
const numbers = numbersFrom(11);

/** x [batch, 8] · W1 [8, 8] + b, Relu, · W2 [8, 4] + c. */
const original = decodeModel(
  buildModel({
    nodes: [
      node("MatMul", ["x", "W1"], ["h"]),
      node("Add", ["h", "b"], ["a"]),
      node("Relu", ["a"], ["r"]),
      node("MatMul", ["r", "W2"], ["g"]),
      node("Add", ["g", "c"], ["y"]),
    ],
    initializers: [
      tensor("W1", [8, 8], numbers.float32(64)),
      tensor("b", [8], numbers.float32(8)),
      tensor("W2", [8, 4], numbers.float32(32)),
      tensor("c", [4], numbers.float32(4)),
    ],
    inputs: [valueInfo("x", "float32", ["batch", 8])],
    outputs: [valueInfo("y", "float32", ["batch", 4])],
  }),
);

function tensorOf(model: Model, name: string): TensorProto {
  return [...walkTensors(model.proto)].find((entry) => entry.tensor.name === name)!.tensor;
}

function reread(model: Model): Model {
  return decodeModel(encodeModel(model));
}

interface Choices {
  readonly patternOf?: (name: string) => Pattern;
  readonly run?: Partial<PruningRun>;
  readonly recovery?: Partial<Recovery>;
  readonly biases?: boolean;
}

/** Pruned by l1, what stays made 1.1 times as large, and half of `b` added to it. */
function recover(choices: Choices = {}, pattern: Pattern = nm(2, 4)): Model {
  const { patternOf = () => pattern, run, recovery, biases = true } = choices;
  const weights = prunableWeights(original).filter((weight) => weight.prunable);
  const masks = new Map(
    weights.map((weight) => {
      const { mask } = computeMasks([weight], { criterion: l1(), pattern: patternOf(weight.name) }).get(weight.name)!;
      return [weight.name, mask];
    }),
  );
  const b = tensorOf(original, "b");
  const whole = {
    method: "obs",
    values: new Map(weights.map((weight) => [weight.name, weight.read().map((value) => 1.1 * value)])),
    ...(biases && { tensors: new Map([[b, tensorValues(original, b).map((value) => 1.5 * value)]]) }),
    ...recovery,
  };
  const how = {
    tool: "test 1.0",
    criterion: { name: "obs", defaultGroup: "layer" as const },
    pattern,
    recovery: whole,
  };
  return reread(applyMasks(original, weights, masks, { ...how, ...run }));
}

/** The model with one tensor changed, as a broken tool would write it. */
function edit(model: Model, name: string, change: (values: Float32Array) => void): Model {
  const tensor = tensorOf(model, name);
  const changed = (): Uint8Array => {
    const bytes = tensorBytes(model, tensor);
    change(new Float32Array(bytes.buffer));
    return bytes;
  };
  return reread(withTensorData(model, new Map([[tensor, changed]])));
}

function rerecord(model: Model, change: (step: Record<string, unknown>) => void): Model {
  const record = JSON.parse(metadata(model).get(KEY)!);
  change(record.steps.at(-1));
  return reread(withMetadata(model, new Map([[KEY, JSON.stringify(record)]])));
}

async function checksOf(pruned: Model, options: Partial<VerifyOptions> = {}): Promise<readonly Check[]> {
  return (await verifyPruned({ original, pruned, ...options })).checks;
}

async function failuresOf(pruned: Model, options: Partial<VerifyOptions> = {}): Promise<[string, string][]> {
  const failed = (await checksOf(pruned, options)).filter(({ status }) => status === "failed");
  return failed.map(({ name, message }) => [name, message]);
}

function messageOf(checks: readonly Check[], name: string): string {
  return checks.find((check) => check.name === name)!.message;
}

const recovered = recover();
const zeroAt = [...tensorValues(recovered, tensorOf(recovered, "W1"))].indexOf(0);
const keptAt = [...tensorValues(recovered, tensorOf(recovered, "W1"))].findIndex((value) => value !== 0);

describe("a recovered model", () => {
  it("passes every check, and is told what changed", async () => {
    const checks = await checksOf(recovered, { minSparsity: 0.5, maxOutputError: 10 });
    expect(checks.map(({ name, status }) => [name, status])).toEqual(ALL_PASSED.map((name) => [name, "passed"]));
    expect(messageOf(checks, "kept-weights")).toBe(
      "48 entries of 2 weights became zero, of those kept in 2 weights 100.0 % changed as recorded (obs), " +
        "all others are the original's bit for bit",
    );
    expect(messageOf(checks, "rest-unchanged")).toBe(
      "nothing but prunable weights, 1 tensor recorded as changed, and the pruning record differs",
    );
    expect(messageOf(checks, "idempotent")).toBe(
      "pruning again (obs, 2:4, sparsity 0.5) and finding zeros first changes nothing in 2 weights",
    );
  });

  it("needs no statistics to be repeated, whatever chose its masks", async () => {
    const byWanda = recover({ run: { criterion: wanda() } });
    expect(messageOf(await checksOf(byWanda), "idempotent")).toContain(
      "pruning again (wanda, 2:4, sparsity 0.5) and finding",
    );
    expect((await checksOf(byWanda)).filter(({ status }) => status === "failed")).toEqual([]);
  });

  it("passes in 16-bit floats, where some of what stays rounds to zero", async () => {
    const half = decodeModel(
      buildModel({
        nodes: [node("MatMul", ["x", "W"], ["y"])],
        initializers: [tensor("W", [8, 4], { dtype: "float16", bits: new Uint16Array(32).map((_, i) => 0x3c00 + i) })],
        inputs: [valueInfo("x", "float16", ["batch", 8])],
        outputs: [valueInfo("y", "float16", ["batch", 4])],
      }),
    );
    const weights = prunableWeights(half).filter((weight) => weight.prunable);
    const { mask } = computeMasks(weights, { criterion: l1(), pattern: nm(2, 4) }).get("W")!;
    const values = new Map([["W", new Float32Array(32).map((_, i) => (i % 5 === 0 ? -1e-9 : i))]]);
    const run = { tool: "test 1.0", criterion: l1(), pattern: nm(2, 4), recovery: { method: "obs", values } };
    const pruned = reread(applyMasks(half, weights, new Map([["W", mask]]), run));
    const { status } = await verifyPruned({ original: half, pruned, minSparsity: 0.5, maxOutputError: 100 });
    expect(status).toBe("passed");
  });

  it("passes with biases alone, where weights must not have moved", async () => {
    const bias = recover({ recovery: { method: "bias", values: new Map() } });
    const checks = await checksOf(bias);
    expect(checks.filter(({ status }) => status === "failed")).toEqual([]);
    expect(messageOf(checks, "kept-weights")).toContain("all others are the original's bit for bit");
    const moved = edit(bias, "W1", (values) => {
      values[keptAt]! *= 2;
    });
    expect((await failuresOf(moved)).map(([name]) => name)).toEqual(["kept-weights"]);
  });

  it("passes where only some weights got new values, natural −0 of the others included", async () => {
    const before = edit(original, "W2", (values) => {
      values[3] = -0;
    });
    const weights = prunableWeights(before).filter((weight) => weight.prunable);
    const pattern = unstructured(0.02);
    const masks = new Map(
      [...computeMasks(weights, { criterion: random(3), pattern })].map(([name, { mask }]) => [name, mask]),
    );
    const values = new Map([["W1", weights[0]!.read()]]);
    const run = { tool: "test 1.0", criterion: random(3), pattern, recovery: { method: "obs", values } };
    const pruned = reread(applyMasks(before, weights, masks, run));
    const { checks } = await verifyPruned({ original: before, pruned });
    expect(checks.filter(({ status }) => status === "failed")).toEqual([]);
  });
});

describe("faults in a recovered model", () => {
  it("finds kept weights that moved behind the record's back", async () => {
    const silent = rerecord(recovered, (step) => {
      delete step.recover;
      delete step.changedTensors;
    });
    const failed = await failuresOf(silent);
    expect(failed.map(([name]) => name)).toEqual(["kept-weights", "rest-unchanged"]);
    expect(failed[0]![1]).toMatch(/^weight "W1" \[\d, \d\]: bits 0x[0-9a-f]{8} became 0x[0-9a-f]{8}; 48 such in all/);
    expect(failed[1]![1]).toContain('initializer "b" at [0]');
  });

  it("finds a bias that moved and is not named, while the named one may", async () => {
    const moved = edit(recovered, "c", (values) => {
      values[2]! += 1;
    });
    expect(await failuresOf(moved)).toEqual([["rest-unchanged", expect.stringContaining('initializer "c" at [2]')]]);
    const other = edit(recovered, "b", (values) => {
      values[2]! += 1;
    });
    expect(await failuresOf(other)).toEqual([]);
  });

  it("finds what is no number, in weights and in biases, though they may change", async () => {
    const weight = edit(recovered, "W1", (values) => {
      values[keptAt] = Number.POSITIVE_INFINITY;
    });
    const found = await failuresOf(weight, { prunedSource: encodeModel(recovered) });
    expect(found[0]).toEqual(["kept-weights", expect.stringMatching(/^weight "W1" \[\d, \d\] is Infinity/)]);
    const bias = edit(recovered, "b", (values) => {
      values[1] = Number.NaN;
    });
    expect(await failuresOf(bias, { prunedSource: encodeModel(recovered) })).toEqual([
      ["rest-unchanged", '"b", recorded as changed, holds NaN or Infinity at 1'],
    ]);
  });

  it("finds a pruned entry that compensation filled again", async () => {
    const filled = edit(recovered, "W1", (values) => {
      values[zeroAt] = 0.01;
    });
    expect((await failuresOf(filled)).map(([name]) => name)).toEqual(["pattern", "idempotent"]);
  });

  it("finds a pruned entry that is −0", async () => {
    const negative = edit(recovered, "W1", (values) => {
      values[zeroAt] = -0;
    });
    const failed = await failuresOf(negative);
    expect(failed.map(([name]) => name)).toEqual(["kept-weights", "idempotent"]);
    expect(failed[0]![1]).toMatch(/^weight "W1" \[\d, \d\] is -0/);
  });

  it("finds changed tensors that are none, or weights", async () => {
    const named = (names: string[]) => rerecord(recovered, (step) => Object.assign(step, { changedTensors: names }));
    expect(await failuresOf(named(["b", "z"]))).toEqual([
      ["record", 'the record calls "z" changed, which is no constant of the pruned model'],
    ]);
    expect(await failuresOf(named(["W2", "b"]))).toEqual([
      ["record", 'the record calls "W2" changed besides the weights, but it is one'],
    ]);
  });
});

describe("a sparsity for each weight", () => {
  const pattern = unstructured(0.5, { group: "layer" });
  const outliers = {
    shares: new Map([
      ["W1", 0.1],
      ["W2", 0.3],
    ]),
    spread: 0.2,
  };
  const patterns = allocatePattern(
    prunableWeights(original).filter((weight) => weight.prunable),
    { pattern, strategy: parseAllocation("owl"), evidence: { outliers } },
  );
  const sparsities = new Map([...patterns].map(([name, own]) => [name, own.sparsity]));
  const allocated = recover(
    { patternOf: (name) => patterns.get(name)!, run: { allocation: { name: "owl", sparsities } } },
    pattern,
  );

  it("is what the pattern is judged by, given or recorded, and the total what sparsity is", async () => {
    // W1 has 64 entries and W2 32: deviations −1/2 and 1 of 0.2, so 0.6 and 0.3: 38 and 10 of 48 together.
    expect(Object.fromEntries(sparsities)).toEqual({ W1: 38 / 64, W2: 10 / 32 });
    for (const given of [{}, { pattern: unstructured(0.5) }]) {
      const checks = await checksOf(allocated, { ...given, minSparsity: 0.5, maxOutputError: 10 });
      expect(checks.map(({ name, status }) => [name, status])).toEqual(ALL_PASSED.map((name) => [name, "passed"]));
      expect(messageOf(checks, "idempotent")).toContain(
        "(obs, unstructured, sparsity 0.5 by owl) and finding zeros first changes nothing",
      );
    }
  });

  it("is good for a smaller target, and no excuse for a larger one", async () => {
    expect(await failuresOf(allocated, { pattern: unstructured(0.4) })).toEqual([]);
    const failed = await failuresOf(allocated, { pattern: unstructured(0.6) });
    expect(failed).toEqual([
      ["pattern", expect.stringContaining('"W2" (unstructured): 10 of 32 entries are zero, sparsity 0.6 asks for 19')],
    ]);
  });

  it("finds one zero too few in a weight", async () => {
    const at = [...tensorValues(allocated, tensorOf(allocated, "W2"))].indexOf(0);
    const broken = edit(allocated, "W2", (values) => {
      values[at] = 1;
    });
    const failed = await failuresOf(broken, { minSparsity: 0.5 });
    expect(failed.map(([name]) => name)).toEqual(["pattern", "sparsity", "idempotent"]);
    expect(failed[0]![1]).toContain('weight "W2" (unstructured): 9 of 32 entries are zero');
    expect(failed[0]![1]).toContain("asks for 10");
  });

  it("finds a record that allots less than it claims in all", async () => {
    const lying = rerecord(allocated, (step) => Object.assign(step, { sparsity: 0.7 }));
    expect(await failuresOf(lying)).toEqual([
      ["pattern", expect.stringContaining('"W1", "W2" together: 48 of 96 entries are zero, sparsity 0.7 asks for 67')],
    ]);
  });
});
