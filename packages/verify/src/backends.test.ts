import { decodeModel } from "@espalier/onnx";
import { type Backend, openRunner, type Sample, type Tensor } from "@espalier/runtime";
import { buildModel, graph, hasChromium, node, random, tensor, valueInfo } from "@espalier/testkit";
import {
  type BackendFigures,
  formatVerification,
  isVerifyError,
  type Verification,
  type VerifyError,
  type VerifyOptions,
  verifyPruned,
} from "@espalier/verify";
import { afterEach, describe, expect, it, vi } from "vitest";

/** One sum of 512 products for each of four outputs: enough terms for two orders of adding them to round differently. */
const wide = buildModel({
  nodes: [node("MatMul", ["x", "W"], ["y"])],
  initializers: [tensor("W", [512, 4], random(1).float32(2048))],
  inputs: [valueInfo("x", "float32", ["N", 512])],
  outputs: [valueInfo("y", "float32", ["N", 4])],
});
const samples: readonly Sample[] = [2, 3, 4].map((seed) => ({
  x: { dtype: "float32", dims: [2, 512], data: random(seed).float32(1024) },
}));

/** Weights in int8: onnxruntime-node multiplies them with rounded activations, onnxruntime-web with float32. */
const quantised = buildModel({
  nodes: [node("DequantizeLinear", ["q", "s"], ["W"], { axis: 1 }), node("MatMul", ["x", "W"], ["y"])],
  initializers: [
    tensor(
      "q",
      [512, 4],
      Int8Array.from({ length: 2048 }, (_, index) => ((index * 37) % 255) - 127),
    ),
    tensor("s", [4], Float32Array.of(0.01, 0.02, 0.03, 0.04)),
  ],
  inputs: [valueInfo("x", "float32", ["N", 512])],
  outputs: [valueInfo("y", "float32", ["N", 4])],
});

/** A branch that is never taken reshapes four numbers to `size`; onnxruntime-web tries it out while it optimises. */
const branching = (size: bigint) => {
  const branch = (to: bigint) =>
    graph({
      nodes: [node("Reshape", ["c", "to"], ["r"])],
      initializers: [tensor("c", [2, 2], Float32Array.of(1, 2, 3, 4)), tensor("to", [1], BigInt64Array.of(to))],
      outputs: [valueInfo("r", "float32", ["n"])],
    });
  return buildModel({
    nodes: [node("If", ["yes"], ["y"], { then_branch: branch(4n), else_branch: branch(size) })],
    inputs: [valueInfo("yes", "bool", [])],
    outputs: [valueInfo("y", "float32", ["n"])],
  });
};
const yes: readonly Sample[] = [{ yes: { dtype: "bool", dims: [], data: Uint8Array.of(1) } }];

const judge = (bytes: Uint8Array, options: Partial<VerifyOptions>): Promise<Verification> =>
  verifyPruned({ original: decodeModel(bytes), pruned: decodeModel(bytes), samples, ...options });

const checkOf = ({ checks }: Verification, name: string) => checks.find((check) => check.name === name);

async function errorOf(options: Partial<VerifyOptions>): Promise<VerifyError> {
  const error = await judge(wide, options).catch((thrown: unknown) => thrown);
  if (isVerifyError(error)) return error;
  throw error;
}

async function outputsOn(backend: Backend, bytes: Uint8Array): Promise<number[][]> {
  const runner = await openRunner(bytes, { backend });
  const outputs: number[][] = [];
  for (const sample of samples) outputs.push([...((await runner.run(sample)).y as Tensor & { dtype: "float32" }).data]);
  await runner.close();
  return outputs;
}

const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

describe("the check backends", () => {
  it("is not there with one backend", async () => {
    expect(checkOf(await judge(wide, { backend: "web" }), "backends")).toBeUndefined();
    expect(checkOf(await judge(wide, { backend: ["node"] }), "backends")).toBeUndefined();
  });

  it("measures how far outputs are from those of the first backend, as a plain loop does", async () => {
    const verification = await judge(quantised, { backend: ["web", "node"], maxBackendDifference: 1 });
    const check = checkOf(verification, "backends")!;
    const [first, other] = [await outputsOn("web", quantised), await outputsOn("node", quantised)];
    const gaps = first.map((values, sample) => values.map((value, index) => other[sample]![index]! - value));
    const perSample = gaps.map((gap, sample) => norm(gap) / norm(first[sample]!));
    const worstSample = perSample.indexOf(Math.max(...perSample));
    const figures = check.figures as BackendFigures;
    expect(figures).toMatchObject({ kind: "backends", first: "web", samples: 3, backends: [{ backend: "node" }] });
    const [finding] = figures.backends;
    if (!("outputs" in finding!)) throw new Error(finding!.problem);
    const [output] = finding.outputs;
    expect(output).toMatchObject({ name: "y", worstSample });
    // The loop adds in another order: some 2⁻⁵³ of the sums.
    expect(output!.relativeL2).toBeCloseTo(norm(gaps.flat()) / norm(first.flat()), 12);
    expect(output!.worstRelativeL2).toBeCloseTo(perSample[worstSample]!, 12);
    expect(output!.maxAbs).toBe(Math.max(...gaps.flat().map(Math.abs)));
    expect(check).toMatchObject({ status: "passed", measured: output!.relativeL2, limit: 1 });
    expect(check.message).toMatch(
      /^against web, over 3 samples: node differs most in output "y", by relative L2 0\.0\d+ /,
    );
  });

  it("lets rounding pass by default, and not a kernel that approximates", async () => {
    const rounding = checkOf(await judge(wide, { backend: ["node", "web"] }), "backends")!;
    expect(rounding).toMatchObject({ status: "passed", limit: 1e-3 });
    expect(rounding.measured).toBeLessThan(1e-5);
    const approximate = await judge(quantised, { backend: ["node", "web"] });
    expect(checkOf(approximate, "backends")).toMatchObject({ status: "failed", limit: 1e-3 });
    expect(approximate.status).toBe("failed");
  });

  it("fails where another backend does not open the model, and says why", async () => {
    const verification = await judge(branching(4n), {
      prunedSource: branching(3n),
      samples: yes,
      backend: ["node", "web"],
    });
    const check = checkOf(verification, "backends")!;
    expect(check).toMatchObject({ status: "failed", measured: null, limit: 1e-3 });
    expect(check.message).toMatch(/^against node, over 1 sample: web does not open: .*reshape/i);
  });

  it("takes a NaN and an Infinity that both put out for no difference", async () => {
    const product = buildModel({
      nodes: [node("Mul", ["x", "inf"], ["y"])],
      initializers: [tensor("inf", [], Float32Array.of(Number.POSITIVE_INFINITY))],
      inputs: [valueInfo("x", "float32", [2])],
      outputs: [valueInfo("y", "float32", [2])],
    });
    const x: Tensor = { dtype: "float32", dims: [2], data: Float32Array.of(0, 1) };
    const check = checkOf(await judge(product, { samples: [{ x }], backend: ["node", "web"] }), "backends");
    expect(check).toMatchObject({ status: "passed", measured: 0 });
  });

  it("times both models on every backend when asked", async () => {
    const verification = await judge(wide, { backend: ["node", "web"], latencyRuns: 2 });
    expect(verification.latency!.runs).toBe(2);
    expect(verification.otherLatencies!.map(({ backend, runs }) => [backend, runs])).toEqual([["web", 2]]);
    expect(formatVerification(verification)).toMatch(/^web: median of 2 runs in turns: [\d.]+ ms /m);
  });
});

describe("the check loads", () => {
  it("catches a model that loads only with optimisation disabled", async () => {
    const broken = { prunedSource: branching(3n), samples: yes };
    const { checks } = await judge(branching(4n), { ...broken, backend: "web" });
    const failed = checks.filter(({ status }) => status === "failed");
    expect(failed.map(({ name, measured }) => [name, measured])).toEqual([["loads", 2]]);
    expect(failed[0]!.message).toMatch(
      /^the original runs, the pruned model does not at optimisation level basic: .*all: /s,
    );
  });

  it("tries every level in every backend, and names the backend that fails", async () => {
    const broken = { prunedSource: branching(3n), samples: yes, backend: ["node", "web"] as const };
    const loads = checkOf(await judge(branching(4n), broken), "loads")!;
    expect(loads.measured).toBe(2);
    expect(loads.message).toMatch(/not at optimisation level basic in web: .*; at optimisation level all in web: /s);
    const good = checkOf(await judge(wide, { backend: ["node", "web"] }), "loads")!;
    expect(good.message).toBe("opens and runs at 6 of 6 optimisation levels (disabled, basic, all) in node, web");
  });
});

describe("backends that cannot be used", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("stop the verification, and what was found before is kept", async () => {
    vi.stubEnv("ESPALIER_BROWSER", "/none");
    const error = await errorOf({ backend: ["node", "browser"] });
    expect(error).toMatchObject({ code: "no-backend", cause: { name: "RunnerError", code: "backend-missing" } });
    expect(error.message).toBe("ESPALIER_BROWSER: there is no browser at /none. Give the path of a Chromium.");
    const finished = ["pattern", "sparsity", "kept-weights", "rest-unchanged", "record", "idempotent"];
    expect(error.checks.map(({ name }) => name)).toEqual(finished);
  });

  it.each([
    [{ backend: [] }, "backend is an empty list, expected at least one"],
    [{ backend: ["node", "web", "node"] as Backend[] }, "backend names node twice"],
    [{ maxBackendDifference: 0.1 }, "maxBackendDifference compares backends: give several"],
    [
      { backend: ["node", "web"] as Backend[], maxBackendDifference: -1 },
      "maxBackendDifference is -1, expected a relative distance of at least 0, such as 0.001",
    ],
  ])("%j is refused", async (options, message) => {
    expect(await errorOf(options)).toMatchObject({ code: "invalid-option", message });
  });
});

describe.skipIf(!hasChromium)("a browser beside Node (skipped where /usr/bin/chromium is missing)", () => {
  it("computes what onnxruntime-web does in Node, bit for bit, and loads at every level", async () => {
    const verification = await judge(wide, { backend: ["web", "browser", "node"], latencyRuns: 1 });
    const check = checkOf(verification, "backends")!;
    const { backends } = check.figures as BackendFigures;
    const relativeL2 = backends.map((finding) => ("outputs" in finding ? finding.outputs[0]!.relativeL2 : null));
    expect(relativeL2[0]).toBe(0);
    expect(relativeL2[1]).toBeGreaterThan(0);
    expect(check.measured).toBe(relativeL2[1]);
    expect(checkOf(verification, "loads")!.message).toMatch(/^opens and runs at 9 of 9 .* in web, browser, node$/);
    expect(verification.otherLatencies!.map(({ backend }) => backend)).toEqual(["browser", "node"]);
  });

  it("may be the only backend", async () => {
    const { checks, status } = await judge(wide, { backend: "browser", maxOutputError: 0 });
    expect(status).toBe("passed");
    expect(checks.filter((check) => check.status === "passed").map(({ name }) => name)).toContain("outputs");
  });
});

describe("models that cannot take each other's place", () => {
  const model = (changes: { input?: string; output?: string; dtype?: string; extra?: boolean; rank?: number }) => {
    const { input = "x", output = "y", dtype = "float32", extra = false, rank = 2 } = changes;
    const dims = ["N", 4, 1].slice(0, rank);
    const value = (name: string) => valueInfo(name, dtype, dims);
    return buildModel({
      nodes: [node("Neg", [input], [output]), ...(extra ? [node("Neg", [output], ["z"])] : [])],
      inputs: [value(input)],
      outputs: [value(output), ...(extra ? [value("z")] : [])],
    });
  };

  it.each([
    [{ input: "pixels" }, 'the pruned model has no input "x": it has "pixels"'],
    [{ output: "logits" }, 'the pruned model has no output "y": it has "logits"'],
    [{ dtype: "float64" }, "the pruned model's input \"x\" is float64 [N, 4], the original's float32 [N, 4]"],
    [{ rank: 3 }, "the pruned model's input \"x\" is float32 [N, 4, 1], the original's float32 [N, 4]"],
    [{ extra: true }, 'the pruned model has one more output, "z": the original has "y"'],
  ])("%j: the check outputs says which input or output", async (changes, message) => {
    const feeds = [{ x: { dtype: "float32", dims: [1, 4], data: Float32Array.of(1, 2, 3, 4) } as const }];
    const verification = await judge(model({}), { prunedSource: model(changes), samples: feeds, maxOutputError: 1 });
    expect(checkOf(verification, "outputs")).toMatchObject({ status: "failed", measured: null, message });
  });

  it("a sample that does not fit is an error that names sample, input and types, with the checks before it", async () => {
    const good = { x: { dtype: "float32", dims: [1, 4], data: new Float32Array(4) } } as const;
    const bad = { x: { dtype: "float32", dims: [1, 3], data: new Float32Array(3) } } as const;
    const bytes = model({});
    const error = await judge(bytes, { samples: [good, bad] }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "VerifyError", code: "bad-sample", sample: 1 });
    expect((error as VerifyError).message).toBe(
      'the original does not run on sample 1: Input "x": expected float32 [N, 4], found float32 [1, 3].',
    );
    expect((error as VerifyError).checks.map(({ name }) => name)).toContain("loads");
  });
});
