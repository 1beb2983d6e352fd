import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CollectionProgress,
  type CollectOptions,
  collectInThisThread,
  collectStatistics,
  decodeStatistics,
  encodeStatistics,
  gramMatrix,
  mergeStatistics,
  readStatisticsFile,
  type Samples,
} from "@espalier/calibrate";
import type { Sample } from "@espalier/runtime";
import { buildModel, graph, node, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { rejection } from "../../test/failure.js";
import { smallModel, smallSamples, smallTable } from "../../test/small-model.js";

let folder: string;
const path = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-collect-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(() => {
  // Neither the model for workers nor an unfinished file stays, however a run ended.
  expect(readdirSync(folder).filter((name) => name.startsWith("espalier-calibrate-") || name.endsWith(".tmp"))).toEqual(
    [],
  );
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const model = smallModel();
const samples = smallSamples(22);
/** Six shards, the last with two samples. */
const options: CollectOptions = { shardSize: 4, threads: 2 };
const run = (more: CollectOptions = {}, which: Samples = samples) =>
  collectStatistics(model, which, { ...options, ...more });
const bytesOf = async (more: CollectOptions = {}, which: Samples = samples) =>
  encodeStatistics((await run(more, which)).file);

/** What all ways must lead to. */
let whole: Uint8Array;
beforeAll(async () => {
  whole = await bytesOf({ threads: 1 });
});

describe("collectStatistics", () => {
  it("sums the squares of each input feature over all positions", async () => {
    const { statistics, skipped, samples: count, shards } = await run();
    const table = smallTable();
    const expected = new Float64Array(4);
    for (const { x, id } of samples) {
      const row = Number((id!.data as BigInt64Array)[0]);
      for (const [index, value] of (x!.data as Float32Array).entries()) {
        expected[index % 4]! += Math.fround(value + table[row * 4 + (index % 4)]!) ** 2;
      }
    }
    const first = statistics.get("first")!;
    expect(first.count).toBe(44);
    // Squares and sums of one run are float32: eight roundings of 2⁻²⁴ at most.
    for (const [index, sum] of first.sumOfSquares.entries())
      expect(Math.abs(sum / expected[index]! - 1)).toBeLessThan(8 * 2 ** -24);
    expect([...statistics.keys()]).toEqual(["first", "second"]);
    expect({ skipped, count, shards }).toEqual({ skipped: [], count: 22, shards: { total: 6, done: 6, reused: 0 } });
  });

  it("gives the same bytes for 1, 2, 3 and 7 workers", async () => {
    for (const threads of [1, 2, 3, 7]) expect(await bytesOf({ threads })).toEqual(whole);
    expect(await bytesOf({}, smallSamples(22, 8))).not.toEqual(whole);
  });

  it.each([
    [
      "two machines",
      [
        { index: 0, of: 2 },
        { index: 1, of: 2 },
      ],
    ],
    [
      "three machines, the last first",
      [
        { index: 2, of: 3 },
        { index: 1, of: 3 },
        { index: 0, of: 3 },
      ],
    ],
    [
      "a mix of halves and quarters",
      [
        { index: 3, of: 4 },
        { index: 0, of: 2 },
        { index: 1, of: 4 },
      ],
    ],
    ["more machines than shards", Array.from({ length: 8 }, (_, index) => ({ index, of: 8 }))],
  ])("gives the same bytes when shards are spread over %s and merged", async (_, parts) => {
    const files = [];
    for (const shard of parts) files.push({ name: `${shard.index}`, file: (await run({ shard })).file });
    expect(encodeStatistics(mergeStatistics(files))).toEqual(whole);
  });

  it("runs only the shards that are asked for, and says so", async () => {
    const { shards, samples: count, file } = await run({ shard: { index: 1, of: 4 } });
    expect({ shards, count }).toEqual({ shards: { total: 6, done: 2, reused: 0 }, count: 22 });
    expect(file.moments.map(({ pending }) => [...pending.keys()])).toEqual([
      [1, 5],
      [1, 5],
    ]);
  });

  it("sums runs of several samples, which ends in other last bits and in another file", async () => {
    const one = await run();
    const four = await run({ batch: 4 });
    expect(four.statistics.get("second")!.count).toBe(one.statistics.get("second")!.count);
    for (const [index, sum] of one.statistics.get("second")!.sumOfSquares.entries()) {
      expect(four.statistics.get("second")!.sumOfSquares[index]! / sum).toBeCloseTo(1, 6);
    }
    expect(four.file.options.batch).toBe(4);
  });

  it("measures only the weights that are named", async () => {
    expect([...(await run({ weights: ["second"] })).statistics.keys()]).toEqual(["second"]);
  });

  it("writes the file that it returns, and the path is free of anything else", async () => {
    const output = path("whole.stats");
    const { file, statistics } = await run({ output });
    expect(new Uint8Array(readFileSync(output))).toEqual(encodeStatistics(file));
    expect(decodeStatistics(readFileSync(output)).statistics).toEqual(statistics);
  });

  it("takes a path, bytes or a model, and iterables of any kind", async () => {
    writeFileSync(path("model.onnx"), model);
    expect(encodeStatistics((await collectStatistics(path("model.onnx"), samples, options)).file)).toEqual(whole);
    async function* later() {
      yield* samples;
    }
    expect(await bytesOf({}, later())).toEqual(whole);
    expect(await bytesOf({}, new Set(samples))).toEqual(whole);
  });

  it("reads samples as they are needed: no more than the shards of the workers and two more are there at a time", async () => {
    let read = 0;
    let done = 0;
    let most = 0;
    function* endless() {
      for (const sample of smallSamples(400)) {
        read++;
        most = Math.max(most, read - done);
        yield sample;
      }
    }
    await run({ onProgress: (progress) => (done = progress.samples.done) }, endless());
    expect(read).toBe(400);
    // Two that run, one ahead, and one that is being read while another is handed over.
    expect(most).toBeLessThanOrEqual(4 * 4);
  });

  it("tells how far it is: shards, samples, rate and time left", async () => {
    const progressOf = async (more: CollectOptions, which: Samples = samples) => {
      const events: CollectionProgress[] = [];
      await run({ ...more, onProgress: (event) => events.push(event) }, which);
      return events;
    };
    const events = await progressOf({ threads: 1 });
    expect(events.map(({ shards, samples }) => [shards, samples])).toEqual(
      [4, 8, 12, 16, 20, 22].map((done, index) => [
        { done: index + 1, total: 6 },
        { done, total: 22 },
      ]),
    );
    expect(events.every(({ samplesPerSecond, secondsLeft }) => samplesPerSecond > 0 && secondsLeft! >= 0)).toBe(true);
    expect(events.at(-1)!.secondsLeft).toBe(0);
    const unknown = await progressOf({}, samples.values());
    expect(unknown[0]!.shards).toEqual({ done: 1 });
    expect(unknown[0]).not.toHaveProperty("secondsLeft");
    const [odd] = await progressOf({ shard: { index: 1, of: 2 }, threads: 1 });
    expect([odd!.shards.total, odd!.samples.total]).toEqual([3, 10]);
  });

  describe("with Gram matrices", () => {
    it("gives XᵀX, whose diagonal is the sum of squares", async () => {
      const { grams, statistics } = await run({ gram: true });
      const gram = grams.get("second")!;
      const matrix = gramMatrix(gram);
      expect([gram.inFeatures, gram.groups, gram.count, matrix.length]).toEqual([6, 1, 44, 36]);
      for (const [index, sum] of statistics.get("second")!.sumOfSquares.entries()) {
        expect(Math.abs(matrix[index * 7]! - sum)).toBeLessThanOrEqual(1e-5 * sum);
      }
      expect(matrix[1]).toBe(matrix[6]);
    });

    it("takes as many passes as memory needs, to the same bytes", async () => {
      const passes: number[] = [];
      // 14 copies with two threads; 21 numbers of 8 bytes for `second`, 10 for `first`: not both at once.
      const memory = 14 * 21 * 8;
      const several = await bytesOf({
        gram: true,
        memory,
        onProgress: ({ pass, passes: all }) => passes.push(pass, all),
      });
      expect(several).toEqual(await bytesOf({ gram: true }));
      expect(new Set(passes)).toEqual(new Set([1, 2]));
    });

    it("resumes between and inside passes", async () => {
      const output = path("gram.stats");
      const all = await bytesOf({ gram: true });
      for (const stop of [1, 6, 7, 11]) {
        const controller = new AbortController();
        let done = 0;
        const onProgress = () => ++done === stop && controller.abort("stop");
        const memory = 14 * 21 * 8;
        await expect(run({ gram: true, memory, output, onProgress, signal: controller.signal })).rejects.toBe("stop");
        // With all memory in one pass: half of the sums of a shard may be there already.
        expect(await bytesOf({ gram: true, resumeFrom: output })).toEqual(all);
      }
    });

    it("refuses a matrix that does not fit, and samples that several passes cannot read again", async () => {
      const small = await rejection(run({ gram: true, memory: 14 * 20 * 8 }));
      expect(small).toMatchObject({ code: "bad-option", context: { weight: "second" } });
      const once = await rejection(run({ gram: true, memory: 14 * 21 * 8 }, samples.values()));
      expect(once.message).toMatch(/2 passes.*read only once/);
    });
  });
});

describe("resuming", () => {
  it.each([1, 2, 3, 5])("goes on after %i shards to the same bytes, running none twice", async (stop) => {
    const output = path(`stopped-${stop}.stats`);
    const controller = new AbortController();
    const onProgress = ({ shards }: CollectionProgress) => shards.done === stop && controller.abort("stop");
    await expect(run({ threads: 1, output, onProgress, signal: controller.signal })).rejects.toBe("stop");
    let ran = 0;
    const resumed = await run({ resumeFrom: output, output, onProgress: () => ran++ });
    expect(encodeStatistics(resumed.file)).toEqual(whole);
    expect({ ran, reused: resumed.shards.reused }).toEqual({ ran: 6 - stop, reused: stop });
    expect(new Uint8Array(readFileSync(output))).toEqual(encodeStatistics(resumed.file));
  });

  it("runs nothing when all is there", async () => {
    await run({ output: path("all.stats") });
    const { shards } = await run({ resumeFrom: path("all.stats"), onProgress: () => expect.unreachable() });
    expect(shards).toEqual({ total: 6, done: 6, reused: 6 });
  });

  it("fills the gaps that other machines left", async () => {
    await run({ shard: { index: 1, of: 2 }, output: path("odd.stats") });
    const { file, shards } = await run({ resumeFrom: path("odd.stats") });
    expect(shards.reused).toBe(3);
    expect(encodeStatistics(file)).toEqual(whole);
  });

  const other = smallSamples(22, 9);
  it.each([
    [
      "another model",
      "other-model",
      /weights differ/,
      () => collectStatistics(smallModel({ seed: 4 }), samples, resume),
    ],
    [
      "another graph",
      "other-model",
      /graph differs/,
      () => collectStatistics(smallModel({ batch: "m" }), samples, resume),
    ],
    ["another batch", "other-options", /batch was 1 and is 2/, () => run({ ...resume, batch: 2 })],
    ["another shard size", "other-options", /shardSize was 4 and is 8/, () => run({ ...resume, shardSize: 8 })],
    ["Gram matrices", "other-options", /has no Gram matrix of first/, () => run({ ...resume, gram: true })],
    [
      "fewer weights",
      "other-options",
      /sums of squares of first.*not asked for/,
      () => run({ ...resume, weights: ["second"] }),
    ],
    ["other samples", "other-samples", /shard 0 \(samples 0 to 3\)/, () => run(resume, other)],
    [
      "one other sample",
      "other-samples",
      /shard 4 \(samples 16 to 19\)/,
      () => run(resume, samples.with(18, other[18]!)),
    ],
    ["more samples", "other-samples", /shard 5 \(samples 20 to 23\)/, () => run(resume, [...samples, ...other])],
    ["fewer samples", "other-samples", /6 shards of samples.*end after 3/, () => run(resume, samples.slice(0, 12))],
  ] as const)("refuses a file of %s, and says which differs", async (_, code, text, collect) => {
    if (!existsSync(resume.resumeFrom)) await run({ output: resume.resumeFrom });
    const before = readFileSync(resume.resumeFrom);
    const error = await rejection(collect());
    expect(error.code).toBe(code);
    expect(error.message).toMatch(text);
    expect(readFileSync(resume.resumeFrom)).toEqual(before);
  });

  it("refuses a file that is none or is not there", async () => {
    writeFileSync(path("text.stats"), "hello");
    expect(await rejection(run({ resumeFrom: path("text.stats") }))).toMatchObject({ code: "not-statistics" });
    const missing = await rejection(run({ resumeFrom: path("none.stats") }));
    expect(missing.code).toBe("read-failed");
    expect(missing.message).toContain("none.stats");
  });
});
const resume = {
  ...options,
  get resumeFrom() {
    return path("refused.stats");
  },
};

describe("bad input", () => {
  const broken = (index: number, sample: Sample) => samples.with(index, sample);
  const nan = {
    ...samples[9]!,
    x: { dtype: "float32", dims: [1, 2, 4], data: new Float32Array(8).fill(Number.NaN) },
  } as const;

  it.each([1, 4])("names weight, shard and sample of a NaN, and does not try it again (batch %i)", async (batch) => {
    const error = await rejection(run({ batch, threads: 1, output: path("nan.stats") }, broken(9, nan)));
    expect(error).toMatchObject({ code: "not-finite", context: { weight: "first", shard: 2, sample: 9 } });
    expect(error.message).toMatch(/sample 9 of shard 2.*"first"/);
    expect(readStatisticsFile(path("nan.stats")).moments[0]!.folded).toBe(2);
  });

  it.each([1, 4])("gives ONNX Runtime's error for an id out of range, with the sample (batch %i)", async (batch) => {
    const id = { dtype: "int64", dims: [1, 1], data: BigInt64Array.of(3n) } as const;
    const error = await rejection(run({ batch }, broken(14, { ...samples[14]!, id })));
    expect(error).toMatchObject({ code: "shard-failed", context: { shard: 3, sample: 14 } });
    expect(error.message).toMatch(/sample 14.*(bounds|range)/);
  });

  it("names the sample that does not fit", async () => {
    const { id: _, ...half } = samples[5]!;
    expect(await rejection(run({}, broken(5, half)))).toMatchObject({ code: "bad-sample", context: { sample: 5 } });
  });

  it.each([
    ["an array", () => []],
    ["a generator", () => [].values()],
  ])("refuses an empty set: %s", async (_, none) => {
    expect((await rejection(run({}, none()))).code).toBe("no-samples");
  });

  it("passes on what the samples throw", async () => {
    function* failing() {
      yield* samples.slice(0, 5);
      throw new RangeError("no such row");
    }
    await expect(run({}, failing())).rejects.toThrow(new RangeError("no such row"));
  });

  it("says which batch a model with a fixed batch size takes", async () => {
    const fixed = smallModel({ batch: 4 });
    const error = await rejection(collectStatistics(fixed, samples, options));
    expect(error.code).toBe("bad-sample");
    expect(error.message).toMatch(/\[4, 2, 4\].*found.*\[1, 2, 4\].*batch/);
    const { statistics } = await collectStatistics(fixed, samples.slice(0, 20), { ...options, batch: 4 });
    expect(statistics.get("first")!.count).toBe(40);
    expect((await rejection(collectStatistics(fixed, samples, { ...options, batch: 4 }))).message).toMatch(/shard 5/);
  });

  it.each([
    [{ threads: 0 }, /threads.*0.*at least 1/],
    [{ threads: 1.5 }, /threads/],
    [{ batch: 0 }, /batch/],
    [{ shardSize: Number.NaN }, /shardSize/],
    [{ shard: { index: 2, of: 2 } }, /shard.index.*2.*less than/],
    [{ shard: { index: -1, of: 2 } }, /shard.index/],
    [{ retries: -1 }, /retries/],
    [{ memory: 0 }, /memory/],
    [{ mask: "attention" }, /attention.*"x", "id"/],
  ])("refuses the options %j", async (bad, text) => {
    const error = await rejection(run(bad));
    expect(error.code).toBe("bad-option");
    expect(error.message).toMatch(text);
  });

  it.each([
    ["a weight that is not there", "third", /no weight of that name/],
    ["a tensor that is no weight", "table", /not prunable/],
  ])("refuses %s", async (_, name, text) => {
    const error = await rejection(run({ weights: ["first", name] }));
    expect(error).toMatchObject({ code: "unsupported", context: { weight: name } });
    expect(error.message).toMatch(text);
  });

  it("lists a weight that cannot be measured, and refuses it where it is named", async () => {
    const branch = graph({
      nodes: [node("MatMul", ["x", "inner"], ["b"])],
      initializers: [tensor("inner", [2, 2], Float32Array.of(1, 2, 3, 4))],
      outputs: [valueInfo("b", "float32", ["n", 2])],
    });
    const branches = {
      then_branch: branch,
      else_branch: graph({ nodes: [node("Identity", ["x"], ["e"])], outputs: [valueInfo("e", "float32", ["n", 2])] }),
    };
    const branching = buildModel({
      nodes: [node("If", ["flag"], ["h"], branches, { name: "if" }), node("MatMul", ["h", "outer"], ["y"])],
      initializers: [
        tensor("outer", [2, 2], Float32Array.of(1, 2, 3, 4)),
        tensor("flag", [], { dtype: "bool", bits: Uint8Array.of(1) }),
      ],
      inputs: [valueInfo("x", "float32", ["n", 2])],
      outputs: [valueInfo("y", "float32", ["n", 2])],
    });
    const sample: Sample = { x: { dtype: "float32", dims: [1, 2], data: Float32Array.of(1, 2) } };
    const { statistics, skipped } = await collectStatistics(branching, [sample], options);
    expect([...statistics.keys()]).toEqual(["outer"]);
    expect(skipped).toEqual([{ name: expect.stringContaining("inner"), reason: expect.stringContaining("inside") }]);
    const weights = ["outer", skipped[0]!.name];
    const error = await rejection(collectStatistics(branching, [sample], { ...options, weights }));
    expect(error).toMatchObject({ code: "unsupported", context: { weight: weights[1] } });
  });

  it("refuses a model in which nothing can be measured", async () => {
    const plain = buildModel({
      nodes: [node("Add", ["x", "one"], ["y"])],
      initializers: [tensor("one", [1], Float32Array.of(1))],
      inputs: [valueInfo("x", "float32", ["n"])],
      outputs: [valueInfo("y", "float32", ["n"])],
    });
    expect((await rejection(collectStatistics(plain, [], options))).message).toMatch(/no prunable weight/);
  });

  it("says that ONNX Runtime refuses a model, once and not three times", async () => {
    const odd = buildModel({
      nodes: [node("MatMul", ["x", "w"], ["h"]), node("NoSuchOperator", ["h"], ["y"])],
      initializers: [tensor("w", [2, 2], new Float32Array(4))],
      inputs: [valueInfo("x", "float32", ["n", 2])],
      outputs: [valueInfo("y", "float32", ["n", 2])],
    });
    const sample: Sample = { x: { dtype: "float32", dims: [1, 2], data: new Float32Array(2) } };
    const error = await rejection(collectStatistics(odd, [sample], options));
    expect(error.code).toBe("load-failed");
    expect(error.message).toContain("NoSuchOperator");
  });

  it("says where it cannot write, and stops there", async () => {
    const output = path("nowhere/out.stats");
    const error = await rejection(run({ output }));
    expect(error).toMatchObject({ code: "write-failed", context: { path: output } });
  });
});

describe("collectInThisThread", () => {
  it("gives the statistics of collectStatistics, bit for bit, without workers", async () => {
    const { statistics, grams } = await run({ gram: true });
    expect(await collectInThisThread(model, samples, { shardSize: 4, gram: true })).toEqual({
      ...{ statistics, grams, skipped: [], withoutGram: [] },
      samples: 22,
    });
  });

  it("runs in onnxruntime-web, to nearly the same numbers", async () => {
    const { statistics } = await collectInThisThread(model, samples, { backend: "web" });
    const native = (await run()).statistics.get("second")!;
    // Another order of float32 additions in the products: a few units of 2⁻²⁴.
    for (const [index, sum] of statistics.get("second")!.sumOfSquares.entries()) {
      expect(Math.abs(sum / native.sumOfSquares[index]! - 1)).toBeLessThan(1e-6);
    }
  });

  it("names the sample of a NaN, and stops when asked", async () => {
    const bad = samples.with(3, {
      ...samples[3]!,
      x: { dtype: "float32", dims: [1, 2, 4], data: new Float32Array(8).fill(Number.NaN) },
    });
    expect(await rejection(collectInThisThread(model, bad))).toMatchObject({
      code: "not-finite",
      context: { sample: 3 },
    });
    await expect(collectInThisThread(model, samples, { signal: AbortSignal.abort("no") })).rejects.toBe("no");
  });
});
