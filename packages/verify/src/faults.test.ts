import { type Criterion, computeMasks, l1, Mask, nm, type Pattern, unstructured } from "@espalier/core";
import { applyMasks } from "@espalier/export";
import {
  decodeModel,
  encodeModel,
  isOnnxError,
  type Model,
  metadata,
  prunableWeights,
  tensorBytes,
  walkTensors,
  withMetadata,
  withTensorData,
} from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { type Check, type VerifyOptions, verifyPruned } from "@espalier/verify";
import { describe, expect, it } from "vitest";

/** Each test puts one fault into a well pruned model, and the check that is there for it must name it. */

const KEY = "espalier.pruning";

interface Parts {
  readonly alpha?: number;
  readonly imports?: readonly string[];
  readonly bias?: number;
  readonly author?: string;
  readonly activation?: string;
  readonly w1?: Float32Array;
}

const numbers = random(11);
const W1 = numbers.float32(64);
const W2 = numbers.float32(32);

/** x [batch, 8] · W1 [8, 8] + b, LeakyRelu, · W2 [8, 4]. */
function build(parts: Parts = {}): Uint8Array {
  const imports = parts.imports ?? ["com.microsoft", "ai.onnx.ml"];
  return buildModel({
    nodes: [
      node("MatMul", ["x", "W1"], ["h"], {}, { name: "first" }),
      node("Add", ["h", "b"], ["a"]),
      node(parts.activation ?? "LeakyRelu", ["a"], ["r"], { alpha: parts.alpha ?? 0.1 }, { name: "act" }),
      node("MatMul", ["r", "W2"], ["y"], {}, { name: "second" }),
    ],
    initializers: [
      tensor("W1", [8, 8], parts.w1 ?? W1),
      tensor("b", [8], Float32Array.of(0.5, 0, 0, parts.bias ?? 0.25, 0, 0, 0, -1)),
      tensor("W2", [8, 4], W2),
    ],
    inputs: [valueInfo("x", "float32", ["batch", 8])],
    outputs: [valueInfo("y", "float32", ["batch", 4])],
    opsetImports: imports.map((domain) => ({ domain, version: 1 })),
    metadata: { author: parts.author ?? "somebody" },
  });
}

const original = decodeModel(build());

/** Pruned and written and read again, as a file would be. */
function prune(model: Model, criterion: Criterion = l1(), pattern: Pattern = nm(2, 4)): Model {
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const masks = new Map([...computeMasks(weights, { criterion, pattern })].map(([name, { mask }]) => [name, mask]));
  return reread(applyMasks(model, weights, masks, { tool: "test 1.0", criterion, pattern }));
}

function reread(model: Model): Model {
  return decodeModel(encodeModel(model));
}

/** The model with the bits of one tensor changed, as a broken pruner would write it. */
function edit(model: Model, name: string, change: (bits: Uint32Array, values: Float32Array) => void): Model {
  const entry = [...walkTensors(model.proto)].find(({ tensor: each }) => each.name === name)!;
  const changed = (): Uint8Array => {
    const bytes = tensorBytes(model, entry.tensor);
    change(new Uint32Array(bytes.buffer), new Float32Array(bytes.buffer));
    return bytes;
  };
  return reread(withTensorData(model, new Map([[entry.tensor, changed]])));
}

function withoutRecord(parts: Parts, w1: Float32Array): Model {
  return decodeModel(build({ ...parts, w1 }));
}

async function failuresOf(pruned: Model, options: Partial<VerifyOptions> = {}): Promise<Check[]> {
  const { status, checks } = await verifyPruned({ original, pruned, ...options });
  const failed = checks.filter((check) => check.status === "failed");
  expect(status).toBe(failed.length === 0 ? "passed" : "failed");
  return failed;
}

/** The one check that fails, and its message. */
async function onlyFailure(pruned: Model, options: Partial<VerifyOptions> = {}): Promise<[string, string]> {
  const failed = await failuresOf(pruned, options);
  expect(failed.map(({ name }) => name)).toHaveLength(1);
  return [failed[0]!.name, failed[0]!.message];
}

const pruned = prune(original);
const [keptAt, zeroAt] = [false, true].map((zero) =>
  [...new Float32Array(tensorBytes(pruned, [...walkTensors(pruned.proto)][0]!.tensor).buffer)].findIndex(
    (value) => (value === 0) === zero,
  ),
) as [number, number];

describe("a well pruned model", () => {
  it.each([
    ["2:4", nm(2, 4)],
    ["half of each layer", unstructured(0.5)],
    ["30 % over the whole model", unstructured(0.3, { group: "model" })],
  ])("passes every check: %s", async (_, pattern) => {
    const { status, checks } = await verifyPruned({
      original,
      pruned: prune(original, l1(), pattern),
      minSparsity: pattern.sparsity,
      maxOutputError: 10,
    });
    expect(checks.map((check) => [check.name, check.status])).toEqual(
      ["pattern", "sparsity", "kept-weights", "rest-unchanged", "record", "idempotent", "loads", "outputs"].map(
        (name) => [name, "passed"],
      ),
    );
    expect(status).toBe("passed");
  });
});

describe("faults in weights", () => {
  it("finds one weight that is not zero any more", async () => {
    const broken = edit(pruned, "W1", (_, values) => {
      values[zeroAt] = W1[zeroAt]!;
    });
    const failed = await failuresOf(broken);
    expect(failed.map(({ name }) => name)).toEqual(["pattern", "idempotent"]);
    expect(failed[0]!.message).toMatch(
      /^weight "W1" \(2:4\): .*: 3 entries are not zero, 2:4 allows 2; 1 of 2 weights/,
    );
    expect(failed[1]!.message).toMatch(/would change 1 entry, first of weight "W1" \[\d, \d\]$/);
  });

  it("finds one zero too few in an unstructured layer", async () => {
    const half = prune(original, l1(), unstructured(0.5));
    const at = new Float32Array(tensorBytes(half, [...walkTensors(half.proto)][0]!.tensor).buffer).indexOf(0);
    const broken = edit(half, "W1", (_, values) => {
      values[at] = W1[at]!;
    });
    const failed = await failuresOf(broken, { minSparsity: 0.5 });
    expect(failed.map(({ name }) => name)).toEqual(["pattern", "sparsity", "idempotent"]);
    expect(failed[0]!.message).toContain("31 of 64 entries are zero, sparsity 0.5 asks for 32");
    expect(failed[1]!.message).toContain('1 zeros too few, the smallest share in weight "W1"');
  });

  it("finds one zero too few over a whole model, where no layer alone shows it", async () => {
    const pattern = unstructured(0.5, { group: "model" });
    const half = prune(original, l1(), pattern);
    const at = new Float32Array(tensorBytes(half, [...walkTensors(half.proto)][0]!.tensor).buffer).indexOf(0);
    const broken = edit(half, "W1", (_, values) => {
      values[at] = W1[at]!;
    });
    const failed = await failuresOf(broken);
    expect(failed.map(({ name }) => name)).toEqual(["pattern", "idempotent"]);
    expect(failed[0]!.message).toContain('weights "W1", "W2" together: 47 of 96 entries are zero');
  });

  // A MatMul's B is [K, N] and 2:4 runs along K. A chessboard is 2:4 along both axes; one swap within row 0 leaves every
  // group along N with two entries, and column 1 with three in its first group along K.
  it("finds a 2:4 group that is broken along the reduction axis and fine along the other", async () => {
    const keeps = (k: number, n: number): boolean => (k === 0 && n < 2 ? n === 1 : (k + n) % 2 === 0);
    const broken = withoutRecord(
      {},
      W1.map((value, index) => (keeps(index >> 3, index & 7) ? value : 0)),
    );
    const [name, message] = await onlyFailure(broken, { pattern: nm(2, 4) });
    expect(name).toBe("pattern");
    expect(message).toContain(
      'weight "W1" (2:4): from out channel 1, in-feature 0 to in-feature 3: 3 entries are not zero',
    );
  });

  it("finds a kept weight that moved by one unit in the last place", async () => {
    const broken = edit(pruned, "W1", (bits) => {
      bits[keptAt]! += 1;
    });
    const [name, message] = await onlyFailure(broken);
    expect(name).toBe("kept-weights");
    const was = new Uint32Array(W1.buffer)[keptAt]!;
    expect(message).toContain(
      `weight "W1" [${keptAt >> 3}, ${keptAt & 7}]: bits 0x${was.toString(16)} became 0x${(was + 1).toString(16)}`,
    );
  });

  it("finds a pruned weight that is −0", async () => {
    const broken = edit(pruned, "W1", (bits) => {
      bits[zeroAt] = 0x80000000;
    });
    const failed = await failuresOf(broken);
    expect(failed.map(({ name }) => name)).toEqual(["kept-weights", "idempotent"]);
    expect(failed[0]!.message).toContain("became 0x80000000");
  });

  it("finds weights that are NaN, and that pruning again would refuse them", async () => {
    const broken = edit(pruned, "W2", (_, values) => {
      values[5] = Number.NaN;
    });
    const failed = await failuresOf(broken);
    expect(failed.map(({ name }) => name)).toContain("kept-weights");
    const idempotent = failed.find(({ name }) => name === "idempotent")!;
    expect(idempotent.message).toMatch(/^pruning again is refused: .*"W2"/);
  });

  it("finds too few zeros for the sparsity that was asked for", async () => {
    const [name, message] = await onlyFailure(pruned, { minSparsity: 0.6 });
    expect(name).toBe("sparsity");
    expect(message).toMatch(
      /^zeros: 0\.5000 of 2 pruned weights, 0\.5000 of all prunable weights, 0\.5096 of all param/,
    );
  });

  it("does not pass a model that was not pruned at all, when zeros were asked for", async () => {
    const failed = await failuresOf(original, { pattern: nm(2, 4), minSparsity: 0.5 });
    expect(failed.map(({ name }) => name)).toEqual(["pattern", "sparsity"]);
    expect(failed[0]!.message).toBe("no weight was pruned, expected 2:4");
  });
});

describe("faults in everything else", () => {
  /** Prunes another original the same way; its weights are the same, so only the difference of the rest shows. */
  const other = (parts: Parts): Model => prune(decodeModel(build(parts)));

  it.each<[string, Parts, string]>([
    ["a changed bias", { bias: 0.2500001 }, 'initializer "b" at [3]: bits 0x3e800000 became 0x3e800003'],
    ["a dropped opset import", { imports: ["ai.onnx.ml"] }, 'opsetImport: 3 entries became 2, gone: "com.microsoft"'],
    ["an added opset import", { imports: ["com.microsoft", "ai.onnx.ml", "a.b"] }, 'new: "a.b"'],
    [
      "a changed attribute",
      { alpha: 0.2 },
      'graph.node[2] "act".attribute[0] "alpha".f: 0.10000000149011612 became 0.2',
    ],
    ["another operator", { activation: "Elu" }, 'graph.node[2] "act".opType: "LeakyRelu" became "Elu"'],
    ["changed metadata", { author: "else" }, 'metadata "author": "somebody" became "else"'],
  ])("finds %s", async (_, parts, finding) => {
    const [name, message] = await onlyFailure(other(parts));
    expect(name).toBe("rest-unchanged");
    expect(message).toContain(finding);
  });

  it("finds a node that is gone, and does not call every later node different", async () => {
    const shorter = buildModel({
      nodes: [
        node("MatMul", ["x", "W1"], ["h"], {}, { name: "first" }),
        node("Relu", ["h"], ["y"], {}, { name: "act" }),
      ],
      initializers: [tensor("W1", [8, 8], W1)],
      inputs: [valueInfo("x", "float32", ["batch", 8])],
      outputs: [valueInfo("y", "float32", ["batch", 4])],
      opsetImports: [
        { domain: "com.microsoft", version: 1 },
        { domain: "ai.onnx.ml", version: 1 },
      ],
      metadata: { author: "somebody" },
    });
    const { checks } = await verifyPruned({ original, pruned: decodeModel(shorter) });
    const rest = checks.find(({ name }) => name === "rest-unchanged")!;
    expect(rest.status).toBe("failed");
    expect(rest.message).toBe(
      'graph.node: 4 entries became 2, gone: "a", "second"; graph.initializer: 3 entries became 1, gone: "b", "W2"',
    );
  });

  it("takes no offence at numbers that are stored in another field", async () => {
    const retyped = buildModel({
      nodes: [node("MatMul", ["x", "W"], ["h"]), node("Add", ["h", "b"], ["y"])],
      initializers: [tensor("W", [2, 2], W2.slice(0, 4), "typed"), tensor("b", [2], W2.slice(4, 6), "typed")],
      inputs: [valueInfo("x", "float32", [1, 2])],
      outputs: [valueInfo("y", "float32", [1, 2])],
    });
    const raw = buildModel({
      nodes: [node("MatMul", ["x", "W"], ["h"]), node("Add", ["h", "b"], ["y"])],
      initializers: [tensor("W", [2, 2], W2.slice(0, 4)), tensor("b", [2], W2.slice(4, 6))],
      inputs: [valueInfo("x", "float32", [1, 2])],
      outputs: [valueInfo("y", "float32", [1, 2])],
    });
    expect(await failuresOf(decodeModel(retyped), { original: decodeModel(raw) })).toEqual([]);
  });
});

describe("faults in the record", () => {
  const rerecord = (change: (record: { steps: Record<string, unknown>[] }) => void): Model => {
    const record = JSON.parse(metadata(pruned).get(KEY)!);
    change(record);
    return reread(withMetadata(pruned, new Map([[KEY, JSON.stringify(record)]])));
  };

  it("finds that pruning started from another original", async () => {
    const moved = decodeModel(build({ w1: W1.map((value, index) => (index === zeroAt ? value * 1.0001 : value)) }));
    const failed = await failuresOf(pruned, { original: moved });
    expect(failed.map(({ name, message }) => [name, message])).toEqual([
      ["record", expect.stringContaining("this is not its original")],
    ]);
  });

  it("finds a weight that changed and is not named", async () => {
    const [name, message] = await onlyFailure(
      rerecord(({ steps }) => {
        steps[0]!.weights = ["W2"];
      }),
    );
    expect(name).toBe("record");
    expect(message).toContain('weight "W1" changed, and no step of the record names it');
  });

  it("finds a name that no weight has", async () => {
    const [name, message] = await onlyFailure(
      rerecord(({ steps }) => {
        steps[0]!.weights = ["W1", "W2", "W9"];
      }),
    );
    expect(name).toBe("record");
    expect(message).toContain('the record names "W9"');
  });

  it("finds that the recorded options are not those that were used", async () => {
    const [name] = await onlyFailure(
      rerecord(({ steps }) => {
        steps[0]!.pattern = "1:4";
      }),
      { pattern: nm(2, 4) },
    );
    expect(name).toBe("idempotent");
  });

  it("finds text that is no record, and judges the rest all the same", async () => {
    const broken = reread(withMetadata(pruned, new Map([[KEY, "{]"]])));
    const [name, message] = await onlyFailure(broken, { pattern: nm(2, 4) });
    expect([name, message]).toEqual(["record", "the pruning record cannot be read: the text is not JSON"]);
  });
});

describe("faults that show when running", () => {
  it("finds outputs beyond the limit, and names output and sample", async () => {
    const samples = [0, 1, 2].map((index) => ({
      x: {
        dtype: "float32" as const,
        dims: [1, 8],
        data: random(index)
          .float32(8)
          .map((value) => value * (index + 1)),
      },
    }));
    const [name, message] = await onlyFailure(pruned, { samples, maxOutputError: 1e-3 });
    expect(name).toBe("outputs");
    expect(message).toMatch(/^output "y" over 3 samples: relative L2 0\.\d+, .*; worst sample [012] with relative L2/);
  });

  it("finds NaN that only the pruned model puts out", async () => {
    const nan = build({ bias: Number.NaN });
    const [name, message] = await onlyFailure(pruned, { prunedSource: nan });
    expect([name, message]).toEqual([
      "outputs",
      expect.stringMatching(/^output "y" of sample 0 is NaN at element 0, in/),
    ]);
  });

  it("finds a model that does not load, and at which levels", async () => {
    const broken = build({ activation: "NoSuchOperator" });
    const [name, message] = await onlyFailure(pruned, { prunedSource: broken, maxOutputError: 10 });
    expect(name).toBe("loads");
    expect(message).toMatch(/does not at optimisation level disabled: .*NoSuchOperator.* level basic: .* level all: /s);
  });

  it("leaves a truncated file to the reader, which names the place", () => {
    const bytes = encodeModel(pruned);
    for (const length of [bytes.length - 1, bytes.length >> 1, 100]) {
      try {
        decodeModel(bytes.subarray(0, length));
        throw new Error("the truncated file was accepted");
      } catch (error) {
        expect(isOnnxError(error)).toBe(true);
      }
    }
  });
});

describe("masks that another pruner chose", () => {
  it("are judged without a record: what needs one is skipped with the reason", async () => {
    const mask = Mask.from(Array.from(W1, (_, index) => ((index >> 3) + index) % 2 === 0));
    const foreign = withoutRecord(
      {},
      W1.map((value, index) => (mask.keeps(index) ? value : 0)),
    );
    const { status, checks } = await verifyPruned({ original, pruned: foreign, pattern: nm(2, 4), minSparsity: 0.5 });
    expect(status).toBe("passed");
    expect(checks.filter((check) => check.status === "skipped").map(({ name, message }) => [name, message])).toEqual([
      ["record", "the pruned model has no pruning record"],
      ["idempotent", "the pruned model has no readable pruning record to repeat"],
      ["outputs", expect.stringContaining("over 3 random feeds (no samples were given)")],
    ]);
  });
});
