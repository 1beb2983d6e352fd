import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BroadcastChannel } from "node:worker_threads";
import { type CollectOptions, collectStatistics, encodeStatistics, readStatisticsFile } from "@espalier/calibrate";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
// Built, because workers run what is built.
import { collectWith, type Internals } from "../../dist/collect/collect-with.js";
import { rejection } from "../../test/failure.js";
import { smallModel, smallSamples } from "../../test/small-model.js";

type Fault = "exit" | "throw" | "memory" | "wait";

const model = smallModel();
const samples = smallSamples(12);
const workerFile = new URL("../../test/faulty-worker.mjs", import.meta.url);
const plain = encodeStatistics((await collectStatistics(model, samples, { shardSize: 4, threads: 1 })).file);

let folder: string;
let output: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-faults-"));
  output = join(folder, "out.stats");
  vi.stubEnv("ESPALIER_FAULTS", folder);
  // Below it, models for workers are written: nothing of them must stay.
  vi.stubEnv("TMPDIR", folder);
});
afterEach(() => {
  expect(readdirSync(folder).filter((name) => name.startsWith("espalier-calibrate-") || name.endsWith(".tmp"))).toEqual(
    [],
  );
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Calibrates in three shards with workers that fail as asked. */
function collect(faults: Record<number, Fault[]>, options: CollectOptions = {}, internals: Internals = {}) {
  writeFileSync(join(folder, "faults.json"), JSON.stringify(faults));
  return collectWith({ workerFile, ...internals }, model, samples, { shardSize: 4, threads: 1, output, ...options });
}

/** Shard and thread of each attempt. */
const attempts = () =>
  readFileSync(join(folder, "attempts"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(Number) as [number, number]);

describe("a shard whose worker fails", () => {
  it.each(["exit", "throw"] as const)("is tried again on a fresh worker, to the same bytes: %s", async (fault) => {
    const { file } = await collect({ 1: [fault, fault] });
    expect(encodeStatistics(file)).toEqual(plain);
    const tries = attempts();
    expect(tries.map(([shard]) => shard)).toEqual([0, 1, 1, 1, 2]);
    const threads = tries.map(([, thread]) => thread);
    // 0 and the first attempt share a worker, each retry has its own, and the last of these goes on.
    expect(new Set(threads).size).toBe(3);
    expect([threads[1], threads[4]]).toEqual([threads[0], threads[3]]);
  });

  it("is tried again when the worker ran out of memory", async () => {
    const { file } = await collect({ 2: ["memory"] }, {}, { resourceLimits: { maxOldGenerationSizeMb: 64 } });
    expect(encodeStatistics(file)).toEqual(plain);
  });

  it("does not disturb the other workers", async () => {
    const { file } = await collect({ 0: ["exit"], 1: ["throw"], 2: ["exit", "throw"] }, { threads: 3 });
    expect(encodeStatistics(file)).toEqual(plain);
  });

  it("ends the run after two retries, naming shard and reason; everything finished is on disk", async () => {
    const error = await rejection(collect({ 1: ["throw", "exit", "throw"] }));
    expect(error).toMatchObject({ code: "shard-failed", context: { shard: 1 } });
    expect(error.message).toMatch(/shard 1 \(samples 4 to 7\).*3 times.*the worker is unwell/);
    expect(readStatisticsFile(output).moments.map(({ folded }) => folded)).toEqual([1, 1]);
    const { file, shards } = await collectStatistics(model, samples, { shardSize: 4, threads: 2, resumeFrom: output });
    expect(encodeStatistics(file)).toEqual(plain);
    expect(shards).toEqual({ total: 3, done: 3, reused: 1 });
  });

  it("names the exit code of a worker that exits", async () => {
    const error = await rejection(collect({ 0: ["exit"] }, { retries: 0 }));
    expect(error.message).toMatch(/shard 0 \(samples 0 to 3\).*once.*exited with code: 7/);
  });

  it("is tried as often as asked", async () => {
    await rejection(collect({ 0: Array(5).fill("throw") }, { retries: 4 }));
    expect(attempts()).toHaveLength(5);
  });
});

describe("an aborted run", () => {
  it("ends with the signal's reason while a worker is busy, and can be resumed", async () => {
    const controller = new AbortController();
    const channel = new BroadcastChannel("espalier-faults");
    channel.onmessage = () => controller.abort(new Error("Ctrl-C"));
    await expect(collect({ 1: ["wait"] }, { signal: controller.signal })).rejects.toThrow("Ctrl-C");
    channel.close();
    const { file, shards } = await collectStatistics(model, samples, { shardSize: 4, resumeFrom: output });
    expect(shards.reused).toBe(1);
    expect(encodeStatistics(file)).toEqual(plain);
  });
});
