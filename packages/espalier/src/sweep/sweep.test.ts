import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeModel, type Model, prunableWeights } from "@espalier/onnx";
import { openRunner, type Sample } from "@espalier/runtime";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
// By its name, because workers run what was built.
import {
  exportModel,
  type FinishedRow,
  l1,
  obs,
  type ProgressEvent,
  prune,
  type SweepOptions,
  type SweepResult,
  sweep,
  unstructured,
  verify,
  wanda,
} from "espalier";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

let root: string;
let folder: string;
let model: string;
let labels: number[];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "espalier-sweep-"));
  model = join(root, "tiny.onnx");
  writeFileSync(model, twoLayers(3));
  const runner = await openRunner(model);
  labels = [];
  for (const sample of test) {
    const { data } = (await runner.run(sample)).scores! as { data: Float32Array };
    labels.push(data.indexOf(Math.max(...data)));
  }
  await runner.close();
  writeFileSync(
    join(root, "metric.mjs"),
    "export default function margin({ scores }, label) { return scores.data[label]; }",
  );
  writeFileSync(join(root, "nan.mjs"), "export default () => Number.NaN;");
  writeFileSync(join(root, "throws.mjs"), 'export default () => { throw new Error("out of ink"); };');
});
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  folder = mkdtempSync(join(root, "out-"));
});

/** `a` reads 16 features and can take 2:4; `b` reads 6, and cannot. */
function twoLayers(seed: number): Uint8Array {
  const { float32 } = random(seed);
  return buildModel({
    nodes: [node("MatMul", ["x", "a"], ["h"]), node("Relu", ["h"], ["r"]), node("MatMul", ["r", "b"], ["scores"])],
    initializers: [tensor("a", [16, 6], float32(96)), tensor("b", [6, 4], float32(24))],
    inputs: [valueInfo("x", "float32", ["n", 16])],
    outputs: [valueInfo("scores", "float32", ["n", 4])],
  });
}

function samplesOf(seed: number, count: number): Sample[] {
  const { float32 } = random(seed);
  return Array.from({ length: count }, () => ({ x: { dtype: "float32", dims: [1, 16], data: float32(16) } }));
}

const calibration = samplesOf(1, 24);
const test = samplesOf(2, 40);

const run = (options: Partial<SweepOptions> = {}): Promise<SweepResult> =>
  sweep({
    ...{ models: [model], samples: calibration, testSamples: test, labels, folder, latencyRuns: 12, threads: 1 },
    ...{ criteria: ["l1", "wanda"], patterns: ["unstructured", "2:4"], sparsities: [0.25, 0.5], formats: ["dense"] },
    ...options,
  });

const finished = ({ rows }: SweepResult): readonly FinishedRow[] => rows.filter((row) => row.status === "done");

/** Rows without what a clock says, and what follows from it. */
function timeless({ rows }: SweepResult): unknown {
  return rows.map((row) => {
    if (row.status === "refused") return row;
    const { latencyMs: _, speedup: _1, seconds: _2, pareto: _3, ...rest } = row;
    return rest;
  });
}

describe("sweep", () => {
  it("measures each cell as prune and verify do by themselves", async () => {
    const result = await run({ criteria: ["wanda"], patterns: ["unstructured"], sparsities: [0.5] });
    const [row] = finished(result) as [FinishedRow];
    const statistics = { calibration };
    const pruned = await prune(model, {
      criterion: wanda(),
      pattern: unstructured(0.5),
      recover: "none",
      ...statistics,
    });
    const verdict = await verify({ original: model, pruned: pruned.toBytes(), samples: test, labels, gzip: true });
    const figures = Object.fromEntries(
      verdict.checks.flatMap((check) => ("figures" in check && check.figures ? [[check.name, check.figures]] : [])),
    );
    expect(figures.outputs).toMatchObject({ outputs: [{ relativeL2: row.outputError, meanCosine: row.cosine }] });
    expect(figures.accuracy).toMatchObject({
      original: 1,
      pruned: row.accuracy!.mean,
      drop: row.accuracy!.drop,
      interval: row.accuracy!.interval,
    });
    expect(row.bytes).toBe(pruned.toBytes().length);
    expect(row.zeros).toEqual(pruned.sparsity);
    expect(result).toMatchObject({
      version: 1,
      samples: { calibration: 24, test: 40 },
      metric: "top-1 accuracy",
      originals: [{ name: "tiny", bytes: statSync(model).size, score: { mean: 1, standardError: 0 } }],
    });
    expect(row.latencyMs * row.speedup.ratio).toBeCloseTo(result.originals[0]!.latencyMs, 12);
    expect(JSON.parse(readFileSync(join(folder, "sweep.json"), "utf8"))).toEqual(result);
  });

  it("says how far the values of each weight moved, recovery included", async () => {
    const criteria = ["l1", "obs+least-squares"];
    const rows = finished(await run({ criteria, patterns: ["unstructured"], sparsities: [0.5] }));
    const pruned = [
      await prune(model, { criterion: l1(), pattern: unstructured(0.5) }),
      await prune(model, { criterion: obs(), pattern: unstructured(0.5), calibration }),
    ];
    for (const [index, { model: after }] of pruned.entries()) {
      for (const { name, weightError } of rows[index]!.layers)
        expect(weightError).toBeCloseTo(movedIn(after, name), 12);
    }
    expect(rows[1]!.outputError).toBeLessThan(rows[0]!.outputError);
  });

  it("leaves weights dense that cannot take the pattern and names them; where none can, the cell is refused", async () => {
    const result = await run({ criteria: ["l1"], patterns: ["2:4", "5:7", "unstructured"], sparsities: [0.5] });
    expect(result.rows).toMatchObject([
      {
        pattern: "2:4",
        sparsity: 0.5,
        status: "done",
        layers: [{ name: "a", entries: 96 }],
        skipped: [{ name: "b", reason: expect.stringContaining("4") }],
      },
      { pattern: "5:7", status: "refused", reason: expect.stringMatching(/none of the 2 .*5:7/) },
      { pattern: "unstructured", status: "done", skipped: [] },
    ]);
  });

  it("refuses the cells that need statistics where there are none, and no others", async () => {
    const path = join(root, "masked.onnx");
    const nodes = [node("MatMul", ["x", "a"], ["y"]), node("Identity", ["mask"], ["seen"])];
    const inputs = [valueInfo("x", "float32", ["n", 2, 4]), valueInfo("mask", "int64", ["n", 2])];
    const outputs = [valueInfo("y", "float32", ["n", 2, 4]), valueInfo("seen", "int64", ["n", 2])];
    writeFileSync(
      path,
      buildModel({ nodes, inputs, outputs, initializers: [tensor("a", [4, 4], random(4).float32(16))] }),
    );
    const blind = samplesOf(6, 8).map(
      ({ x }): Sample => ({
        x: { dtype: "float32", dims: [1, 2, 4], data: (x!.data as Float32Array).slice(0, 8) },
        mask: { dtype: "int64", dims: [1, 2], data: new BigInt64Array(2) },
      }),
    );
    const options = { models: [path], samples: blind, testSamples: blind, labels: undefined as never, mask: "mask" };
    const { rows } = await run({ ...options, patterns: ["2:4"] });
    expect(rows).toMatchObject([
      { criterion: "l1", status: "done" },
      { criterion: "wanda", status: "refused", reason: expect.stringContaining("mask") },
    ]);
  });

  it("refuses a format that cannot hold the model, and goes on", async () => {
    const formats = ["dense", "blocks", "bitmask"] as const;
    const result = await run({ criteria: ["l1"], patterns: ["unstructured"], sparsities: [0.5], formats });
    expect(result.rows.map(({ format, status }) => [format, status])).toEqual([
      ["dense", "done"],
      ["blocks", "refused"],
      ["bitmask", "done"],
    ]);
    const [dense, bitmask] = finished(result);
    expect(bitmask!.outputError).toBe(dense!.outputError);
    const pruned = await prune(model, { criterion: l1(), pattern: unstructured(0.5) });
    expect(bitmask!.bytes).toBe((await exportModel(pruned.model, { format: "bitmask" })).report.bytes);
  });

  it("refuses a model whose outputs became NaN, and says where", async () => {
    const path = join(root, "ratio.onnx");
    const nodes = [node("MatMul", ["x", "a"], ["h"]), node("Div", ["h", "h"], ["one"])];
    const inputs = [valueInfo("x", "float32", ["n", 16])];
    const outputs = [valueInfo("one", "float32", ["n", 6])];
    writeFileSync(
      path,
      buildModel({ nodes, inputs, outputs, initializers: [tensor("a", [16, 6], random(3).float32(96))] }),
    );
    const options = { models: [path], labels: undefined as never, criteria: ["l1"], patterns: ["unstructured"] };
    const { rows } = await run({ ...options, sparsities: [0.1, 0.98] }); // 2 of 96 weights are left, of 6 columns
    expect(rows).toMatchObject([
      { status: "done" },
      { status: "refused", reason: expect.stringMatching(/output "one" of sample 0 is NaN/) },
    ]);
  });

  it("refuses a cell whose original has only zeros for an output, in a repeat too", async () => {
    const path = join(root, "zeros.onnx");
    const values = random(3).float32(96);
    const nodes = [
      node("MatMul", ["x", "a"], ["h"]),
      node("MatMul", ["x", "same"], ["i"]),
      node("Sub", ["h", "i"], ["none"]),
    ];
    const initializers = [tensor("a", [16, 6], values), tensor("same", [16, 6], values)];
    const inputs = [valueInfo("x", "float32", ["n", 16])];
    const outputs = [valueInfo("none", "float32", ["n", 6]), valueInfo("h", "float32", ["n", 6])];
    writeFileSync(path, buildModel({ nodes, initializers, inputs, outputs }));
    const options = { models: [path], labels: undefined as never, criteria: ["l1"], include: ["a"] };
    const grid = { ...options, patterns: ["unstructured"], sparsities: [0, 0.5], budget: "bytes<=1MB" };
    const result = await run(grid);
    expect(result.rows).toMatchObject([
      { status: "done", outputError: 0 },
      { status: "refused", reason: expect.stringMatching(/"none" is Infinity.*all zeros/) },
    ]);
    expect(result.budget!.best).toBe(0);
    expect(await run(grid)).toEqual(result);
  });

  it("tries again what ONNX Runtime stopped at, and nothing else", async () => {
    const path = join(root, "lookup.onnx");
    const nodes = [node("Gather", ["table", "x"], ["h"]), node("MatMul", ["h", "a"], ["y"])];
    const initializers = [tensor("table", [2, 4], random(3).float32(8)), tensor("a", [4, 4], random(4).float32(16))];
    const [inputs, outputs] = [[valueInfo("x", "int64", ["n"])], [valueInfo("y", "float32", ["n", 4])]];
    writeFileSync(path, buildModel({ nodes, initializers, inputs, outputs }));
    const sample = (row: bigint): Sample => ({ x: { dtype: "int64", dims: [1], data: BigInt64Array.of(row) } });
    const tried: unknown[] = [];
    const onProgress = ({ phase, item }: ProgressEvent): void => void (phase === "sweep" && tried.push(item));
    const grid = { criteria: ["l1", "obs"], patterns: ["unstructured", "5:7"], sparsities: [0.5], onProgress };
    const samples = { samples: [sample(9n)], testSamples: [sample(1n)], labels: undefined as never };
    const { rows } = await run({ models: [path], ...samples, ...grid });
    expect(rows).toMatchObject([
      { status: "done" },
      { status: "refused", reason: expect.stringContaining("5:7") },
      { status: "refused", reason: expect.stringContaining("ONNX Runtime") },
      { status: "refused", reason: expect.stringContaining("5:7") },
    ]);
    expect(tried).toHaveLength(4);
    expect((await run({ models: [path], ...samples, ...grid })).rows).toEqual(rows);
    expect(tried.slice(4)).toEqual(["lookup, obs, unstructured, 0.5"]);
  });

  it("sweeps over several models, each with its own original and its own front", async () => {
    const other = join(root, "other.onnx");
    writeFileSync(other, twoLayers(4));
    const grid = { criteria: ["l1", "obs"], patterns: ["unstructured"], sparsities: [0.5] };
    const both = await run({ ...grid, models: [model, other], threads: 2, folder: mkdtempSync(join(root, "out-")) });
    expect(both.originals.map(({ name }) => name)).toEqual(["tiny", "other"]);
    for (const [index, path] of [model, other].entries()) {
      const alone = await run({ ...grid, models: [path] });
      expect(timeless({ ...both, rows: both.rows.slice(2 * index, 2 * index + 2) })).toEqual(timeless(alone));
      expect(alone.rows.some((row) => row.status === "done" && row.pareto)).toBe(true);
    }
  });

  it("gives the same rows with one worker and with two", async () => {
    const grid = { criteria: ["l1", "random", "wanda", "obs+least-squares"], patterns: ["unstructured", "2:4", "5:7"] };
    const alone = timeless(await run(grid));
    const other = mkdtempSync(join(root, "out-"));
    expect(timeless(await run({ ...grid, threads: 2, folder: other }))).toEqual(alone);
  });

  it("runs nothing again: a repeat has the same times, and only what is new is added", async () => {
    const first = await run();
    const events: ProgressEvent[] = [];
    const onProgress = (event: ProgressEvent): void => void events.push(event);
    expect(await run({ onProgress })).toEqual(first);
    expect(events).toEqual([]);

    const grown = await run({ criteria: ["wanda", "l1", "l2"], onProgress });
    expect(events.map(({ phase, done, total }) => [phase, done, total])).toEqual([
      ["sweep", 7, 9],
      ["sweep", 8, 9],
      ["sweep", 9, 9],
    ]);
    const old = finished(grown).filter(({ criterion }) => criterion !== "l2");
    expect(old.map(({ latencyMs }) => latencyMs).sort()).toEqual(
      finished(first)
        .map(({ latencyMs }) => latencyMs)
        .sort(),
    );
  });

  it("does what cells share once: one calibration, one run of the original over the test samples", async () => {
    const events: ProgressEvent[] = [];
    await run({ threads: 2, formats: ["dense", "bitmask"], onProgress: (event) => events.push(event) });
    const last = (phase: string) => events.filter((event) => event.phase === phase);
    expect(last("original")).toHaveLength(test.length);
    expect(last("calibrate").at(-1)).toMatchObject({ done: 24, total: 24 });
    expect(last("calibrate").filter(({ done }) => done === 24)).toHaveLength(1);
    // Two criteria, two sparsities and 2:4, pruned once for both formats.
    expect(last("sweep").map(({ done }) => done)).toEqual([2, 4, 6, 8, 10, 12]);
    expect(
      readdirSync(join(folder, "work"))
        .map((name) => name.replace(/^.*\./, ""))
        .sort(),
    ).toEqual(["outputs", "stats"]);
  });

  it.each([
    ["the samples of the test", { testSamples: test.slice(1), labels: undefined }],
    ["how it is timed", { latencyRuns: 11 }],
    ["the weights", { exclude: ["b"] }],
    ["the metric", { metric: "metric.mjs" }],
  ])("makes a cell anew when %s changed", async (_, change) => {
    const grid = { criteria: ["l1"], patterns: ["unstructured"], sparsities: [0.5] };
    await run(grid);
    const made: unknown[] = [];
    const onProgress = ({ phase, item }: ProgressEvent): void => void (phase === "sweep" && made.push(item));
    const metric = "metric" in change ? { metric: join(root, change.metric as string) } : {};
    await run({ ...grid, ...(change as Partial<SweepOptions>), ...metric, onProgress });
    expect(made).toHaveLength(1);
  });

  it("keeps cells that do not look at calibration samples when those change", async () => {
    await run();
    const made: unknown[] = [];
    const onProgress = ({ phase, item }: ProgressEvent): void => void (phase === "sweep" && made.push(item));
    await run({ samples: samplesOf(9, 24), onProgress });
    expect(made).toHaveLength(3);
    for (const item of made) expect(item).toContain("wanda");
  });

  it("takes the first half of the samples for calibration where no test samples are given", async () => {
    const both = await run({
      samples: [...calibration, ...test.slice(0, 24)],
      testSamples: undefined as never,
      labels: [...Array(24).fill(0), ...labels.slice(0, 24)],
    });
    const apart = await run({ testSamples: test.slice(0, 24), labels: labels.slice(0, 24) });
    expect(both).toEqual(apart); // the same digests, so the second time nothing ran
    expect(both.samples).toEqual({ calibration: 24, test: 24 });
  });

  it("writes the best model within the budget, stored as its cell says", async () => {
    const options = { criteria: ["l1", "obs+least-squares"], formats: ["bitmask"] as const, budget: "bytes<=100kB" };
    const { budget, rows } = await run(options);
    const best = rows[budget!.best!] as FinishedRow;
    for (const { accuracy } of finished({ rows } as SweepResult))
      expect(best.accuracy!.drop).toBeLessThanOrEqual(accuracy!.drop);
    const path = join(folder, "best.onnx");
    expect(statSync(path).size).toBe(best.bytes);
    const { ino } = statSync(path);
    await run(options);
    expect(statSync(path).ino).toBe(ino); // not made again
    rmSync(join(folder, "work"), { recursive: true });
    const phases: string[] = [];
    const onProgress = ({ phase }: ProgressEvent): void => void phases.push(phase);
    await run({ ...options, onProgress });
    expect(phases).toEqual([]); // nothing is prepared for nothing
    rmSync(path);
    await run({ ...options, onProgress });
    expect(phases).toEqual(["best"]); // the original is not run for it
    expect((await run({ ...options, budget: "bytes<=1" })).budget).toEqual({ text: "bytes<=1", best: null });
    expect(existsSync(path)).toBe(false); // nothing that could be taken for it
    writeFileSync(path, "mine");
    await run(options);
    expect(statSync(path).size).toBe(best.bytes);
    await run({ ...options, budget: undefined as never });
    expect(existsSync(path)).toBe(false);
    await run(options);
    writeFileSync(path, "mine");
    await run({ ...options, budget: undefined as never });
    await run({ ...options, budget: "bytes<=1" });
    expect(readFileSync(path, "utf8")).toBe("mine"); // it is not the sweep's
  });

  it("goes on after a stop, without what was finished", async () => {
    const controller = new AbortController();
    const seen: ProgressEvent[] = [];
    const onProgress = (event: ProgressEvent): void => {
      if (event.phase === "sweep") controller.abort(new Error("enough"));
    };
    await expect(run({ onProgress, signal: controller.signal })).rejects.toThrow("enough");
    const result = await run({ onProgress: (event) => seen.push(event) });
    expect(seen.filter(({ phase }) => phase === "original" || phase === "calibrate")).toEqual([]);
    expect(seen.length).toBeLessThan(6);
    expect(finished(result)).toHaveLength(6);
  });
});

describe("bad input", () => {
  it.each<[string, () => Partial<SweepOptions>, object, RegExp]>([
    ["no models", () => ({ models: [] }), { code: "usage" }, /no models/],
    [
      "two models of one name",
      () => ({ models: [model, join(root, "other/tiny.onnx")] }),
      { code: "usage" },
      /both be called tiny/,
    ],
    ["an unknown criterion", () => ({ criteria: ["l9"] }), { code: "usage" }, /l9/],
    ["an unknown format", () => ({ formats: ["zip" as never] }), { code: "usage" }, /zip.*dense/],
    ["an unknown pattern", () => ({ patterns: ["zigzag"] }), { code: "invalid-pattern" }, /zigzag/],
    ["a sparsity of 1", () => ({ sparsities: [1] }), { code: "invalid-sparsity" }, /\[0, 1\)/],
    ["no threads", () => ({ threads: 0 }), { code: "usage" }, /threads is 0/],
    ["top 0", () => ({ top: 0 }), { code: "usage" }, /top is 0/],
    ["a mask that is no input", () => ({ mask: "attention" }), { code: "usage" }, /attention is no input.*x/],
    ["a mask that nothing looks at", () => ({ criteria: ["l1"], mask: "x" }), { code: "usage" }, /leave it out/],
    ["a seed that nothing draws from", () => ({ seed: 1 }), { code: "usage" }, /draw nothing/],
    ["a glob that matches nothing", () => ({ include: ["c"] }), { code: "usage" }, /matches none/],
    ["a budget of something else", () => ({ budget: "weight<=1" }), { code: "usage" }, /weight<=1/],
    [
      "scores without labels",
      () => ({ labels: undefined as never, scores: "scores" }),
      { code: "usage" },
      /give labels/,
    ],
    [
      "a sample that does not fit",
      () => ({ testSamples: [...test, { y: test[0]!.x! }] }),
      { code: "input" },
      /test sample 40 .*"y"/,
    ],
    ["no samples", () => ({ samples: [] }), { code: "input" }, /no sample/],
    [
      "one sample for both",
      () => ({ samples: test.slice(0, 1), testSamples: undefined as never }),
      { code: "input" },
      /give more/,
    ],
    ["too few labels", () => ({ labels: labels.slice(1) }), { code: "bad-labels" }, /39 labels/],
    ["too many labels", () => ({ labels: [...labels, 0] }), { code: "bad-labels" }, /41 labels/],
    [
      "labels that do not cover split samples",
      () => ({ testSamples: undefined as never, labels: [0] }),
      { code: "input" },
      /1 labels for 24 samples/,
    ],
    [
      "a metric that gives NaN",
      () => ({ metric: join(root, "nan.mjs") }),
      { code: "bad-metric" },
      /NaN on sample 0 of the original/,
    ],
    ["a metric that throws", () => ({ metric: join(root, "throws.mjs") }), { code: "bad-metric" }, /out of ink/],
    ["a metric that is not there", () => ({ metric: join(root, "none.mjs") }), { code: "input" }, /none\.mjs/],
    ["a folder that is a file", () => ({ folder: join(model, "out") }), { code: "output" }, /cannot write into/],
  ])("%s", async (_, options, error, message) => {
    await expect(run(options())).rejects.toMatchObject({ ...error, message: expect.stringMatching(message) });
  });
});

/** ‖W − W′‖ / ‖W‖ of a weight. */
function movedIn(after: Model, name: string): number {
  const [before, now] = [decodeModel(twoLayers(3)), after].map((of) => valuesOf(of, name));
  const moved = before!.reduce((sum, value, index) => sum + (value - now![index]!) ** 2, 0);
  return Math.sqrt(moved / before!.reduce((sum, value) => sum + value ** 2, 0));
}

function valuesOf(of: Model, name: string): number[] {
  const weight = prunableWeights(of).find((one) => one.name === name);
  return weight?.prunable ? Array.from(weight.read()) : [];
}
