import { readFileSync, writeFileSync } from "node:fs";
import {
  type CollectionProgress,
  type CollectOptions,
  collectStatistics,
  decodeStatistics,
  encodeStatistics,
  gramMatrix,
  mergeStatistics,
  type Samples,
} from "@espalier/calibrate";
import { beforeAll, describe, expect, it } from "vitest";
import { rejection } from "../../test/failure.js";
import { smallSamples, smallTable } from "../../test/small-model.js";
import { bytesOf, model, options, run, samples, useFolder } from "../../test/small-runs.js";

const path = useFolder();

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
