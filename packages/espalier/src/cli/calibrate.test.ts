import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ocrModelPath, tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { espalier } from "../../test/run-espalier.js";

let folder: string;
const file = (name: string): string => join(folder, name);

/** Three shards of sentences, the last with 6 of them. */
const SENTENCES = wordnetGlosses().calibration.slice(0, 70);

/** Lines of noise as images, as a module: files of them would be larger than the model. */
const IMAGES = `
  export default {
    length: 6,
    *[Symbol.iterator]() {
      for (let seed = 1; seed <= 6; seed++) {
        const data = Float32Array.from({ length: 3 * 48 * 64 }, (_, index) => Math.sin(index * seed));
        yield { x: { data, dims: [1, 3, 48, 64] } };
      }
    },
  };`;

/** The sentences, from a source that has no more than two shards for now. */
const STALLING = `
  import { readFileSync } from "node:fs";
  const tensor = (values) => ({ data: BigInt64Array.from(values, BigInt), dims: [1, values.length] });
  export default (async function* () {
    let count = 0;
    for (const line of readFileSync(new URL("sentences.jsonl", import.meta.url), "utf8").split("\\n")) {
      if (count++ === 64 && process.env.STALL) await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
      const { input_ids, attention_mask } = JSON.parse(line);
      yield { input_ids: tensor(input_ids), attention_mask: tensor(attention_mask) };
    }
  })();`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "espalier-calibrate-cli-"));
  const lines = SENTENCES.map(({ text }) => {
    const { input_ids, attention_mask } = tokenBatch([text]);
    return JSON.stringify({
      input_ids: [...input_ids.data].map(Number),
      attention_mask: [...attention_mask.data].map(Number),
    });
  });
  writeFileSync(file("sentences.jsonl"), lines.join("\n"));
  writeFileSync(file("images.mjs"), IMAGES);
  writeFileSync(file("stalling.mjs"), STALLING);
  expect((await calibrateSentences("whole.stats")).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

const calibrateSentences = (output: string, ...flags: string[]) =>
  espalier(["calibrate", useLitePath(), "--samples", file("sentences.jsonl"), "-o", file(output), ...flags]);
const bytesOf = (name: string) => readFileSync(file(name));

describe("calibrate", () => {
  test("USE-lite: one JSON document, and statistics that wanda prunes with", async () => {
    const { code, stdout, stderr } = await calibrateSentences("json.stats", "--json");
    expect([code, stderr.includes("error")]).toEqual([0, false]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      output: file("json.stats"),
      samples: 70,
      shards: { total: 3, done: 3, reused: 0 },
      skipped: [],
    });
    expect(report.weights).toHaveLength(10);
    expect(report.weights[0]).toEqual({ name: "layer0/attention/qkv/weight", inFeatures: 256 });
    expect(report.seconds).toBeGreaterThan(0);

    const flags = ["--criterion", "wanda", "--statistics", file("json.stats"), "--pattern", "2:4", "--json"];
    const pruned = JSON.parse((await espalier(["prune", useLitePath(), "-o", file("pruned.onnx"), ...flags])).stdout);
    expect(pruned.weights).toHaveLength(10);
    for (const { total, zeros } of pruned.weights) expect(zeros).toBe(total / 2);
  });

  test("PP-OCR recognition, convolutions and products: every weight is measured, from a module of samples", async () => {
    const flags = [
      "--samples",
      file("images.mjs"),
      "-o",
      file("ocr.stats"),
      "--threads",
      "2",
      "--shard-size",
      "2",
      "--json",
    ];
    const { stdout } = await espalier(["calibrate", ocrModelPath("recognition"), ...flags]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ samples: 6, shards: { total: 3, done: 3 }, skipped: [] });
    expect(report.weights).toHaveLength(47);
    const prune = ["--criterion", "wanda", "--statistics", file("ocr.stats"), "--sparsity", "0.5", "--json"];
    const pruned = await espalier(["prune", ocrModelPath("recognition"), "-o", file("ocr.onnx"), ...prune]);
    expect(JSON.parse(pruned.stdout).weights).toHaveLength(47);
  });

  test("says in a table what it measured, and how to go on", async () => {
    const { stdout } = await calibrateSentences("table.stats", "--mask", "attention_mask");
    expect(stdout).toMatch(/layer0\/ffn\/down\/weight +\| +1,536 \| +[\d,]+ \|/);
    expect(stdout).toMatch(
      /70 samples, 3 of 3 shards, in [\d.]+ s\. Next: espalier prune MODEL -o OUT --criterion wanda --statistics .*table\.stats/,
    );
  });

  test("collects Gram matrices on request, within a budget", async () => {
    const { code, stdout } = await calibrateSentences("gram.stats", "--gram", "--memory", "200MB", "--threads", "1");
    expect(code).toBe(0);
    expect(stdout).toMatch(/head\/weight +\| +512 \| +70 \| yes/);
  });

  test("the same bytes from three machines, merged in any order", async () => {
    for (const part of [0, 1, 2]) {
      const { stdout } = await calibrateSentences(`part${part}.stats`, "--shard", `${part}/3`);
      expect(stdout).toContain("1 of 3 shards");
      expect(stdout).toContain("espalier merge");
    }
    const parts = [file("part2.stats"), file("part0.stats"), file("part1.stats")];
    const { stdout } = await espalier(["merge", ...parts, "-o", file("merged.stats"), "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ output: file("merged.stats"), samples: 70, shards: { total: 3, done: 3, missing: [] }, skipped: [] },
      weights: expect.arrayContaining([{ name: "head/weight", inFeatures: 512 }]),
    });
    expect(bytesOf("merged.stats")).toEqual(bytesOf("whole.stats"));
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s leaves a file that --resume completes to the same bytes",
    async (signal) => {
      const output = `${signal}.stats`;
      const stalling = ["calibrate", useLitePath(), "--samples", file("stalling.mjs"), "-o", file(output)];
      process.env.STALL = "yes";
      const stopped = await espalier(stalling, (child) => {
        const watcher = watch(folder, (_, name) => name === output && !child.killed && child.kill(signal));
        child.once("close", () => watcher.close());
      });
      delete process.env.STALL;
      expect(stopped.signal).toBe(signal);
      expect(stopped.stderr).toContain(`${file(output)} holds the shards that were finished`);
      expect(stopped.stderr).toContain("--resume");
      const { stdout } = await espalier([...stalling, "--resume", "--json"]);
      expect(JSON.parse(stdout).shards.reused).toBeGreaterThan(0);
      expect(bytesOf(output)).toEqual(bytesOf("whole.stats"));
    },
  );

  test("--resume begins where there is nothing to resume", async () => {
    const { code } = await calibrateSentences("fresh.stats", "--resume");
    expect(code).toBe(0);
    expect(bytesOf("fresh.stats")).toEqual(bytesOf("whole.stats"));
  });
});

describe("bad input", () => {
  /** Runs a command so that it must fail, and checks what holds for every failure. */
  async function failure(...args: string[]): Promise<{ code: number | null; message: string }> {
    const before = readdirSync(folder).sort();
    const { code, stdout, stderr } = await espalier(args);
    expect(stdout).toBe("");
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(readdirSync(folder).sort()).toEqual(before);
    return { code, message: stderr };
  }
  const calibrate = (...flags: string[]) => failure("calibrate", useLitePath(), "-o", file("bad.stats"), ...flags);
  const lines = (name: string, ...rows: object[]) => {
    writeFileSync(file(name), rows.map((row) => JSON.stringify(row)).join("\n"));
    return file(name);
  };

  test.each([
    ["samples that are not there", () => ["--samples", file("none.npz")], 3, /no samples at.*none\.npz/],
    ["an empty file", () => ["--samples", lines("empty.jsonl")], 3, /empty\.jsonl/],
    ["a missing input", () => ["--samples", lines("half.jsonl", { input_ids: [1] })], 3, /attention_mask/],
    [
      "a wrong rank",
      () => ["--samples", lines("rank.jsonl", { input_ids: [[1]], attention_mask: [[1]] })],
      3,
      /input_ids/,
    ],
    [
      "an id out of range",
      () => [
        "--samples",
        lines("range.jsonl", { input_ids: [5], attention_mask: [1] }, { input_ids: [8002], attention_mask: [1] }),
      ],
      3,
      /sample 1 of shard 0.*8002/,
    ],
    [
      "a mask that is no input",
      () => ["--samples", file("sentences.jsonl"), "--mask", "padding"],
      2,
      /padding.*"attention_mask"/,
    ],
    ["no samples flag", () => [], 2, /--samples/],
    ["no threads", () => ["--samples", file("sentences.jsonl"), "--threads", "0"], 2, /threads.*0/],
    ["a part that does not exist", () => ["--samples", file("sentences.jsonl"), "--shard", "3/3"], 2, /0 to N - 1/],
    ["a part that is none", () => ["--samples", file("sentences.jsonl"), "--shard", "1"], 2, /I\/N/],
    ["a size that is none", () => ["--samples", file("sentences.jsonl"), "--gram", "--memory", "much"], 2, /2GB/],
    [
      "too little memory",
      () => ["--samples", file("sentences.jsonl"), "--gram", "--memory", "1MB"],
      2,
      /Gram matrix.*times/,
    ],
  ] as const)("%s", async (_, flags, code, message) => {
    const args = flags();
    const failed = await calibrate(...args);
    expect(failed.message).toMatch(message);
    expect(failed.code).toBe(code);
  });

  test("samples or options that differ from those of the file to resume: exit code 3, the file stays", async () => {
    writeFileSync(file("kept.stats"), bytesOf("whole.stats"));
    const kept = ["calibrate", useLitePath(), "-o", file("kept.stats"), "--resume", "--samples"];
    const other = lines("other.jsonl", { input_ids: [7], attention_mask: [1] });
    for (const [flags, message] of [
      [[other], /samples/],
      [[file("sentences.jsonl"), "--batch", "2"], /batch was 1 and is 2/],
      [[file("sentences.jsonl"), "--mask", "attention_mask"], /mask was not given/],
    ] as const) {
      const failed = await failure(...kept, ...flags);
      expect([failed.code, failed.message]).toEqual([3, expect.stringMatching(message)]);
    }
    expect(bytesOf("kept.stats")).toEqual(bytesOf("whole.stats"));
  });

  test("statistics of another model, cut off, none at all, or with a shard twice: exit code 3", async () => {
    writeFileSync(file("cut.stats"), bytesOf("whole.stats").subarray(0, -10));
    writeFileSync(file("text.stats"), "hello");
    const merge = (...names: string[]) => failure("merge", ...names.map(file), "-o", file("bad.stats"));
    for (const [names, message] of [
      [["whole.stats", "cut.stats"], /cut\.stats.*cut off/],
      [["text.stats"], /text\.stats.*do not begin/],
      [["none.stats"], /none\.stats cannot be read/],
      [["whole.stats", "whole.stats"], /Shard 0 is there twice/],
      [["whole.stats", "ocr.stats"], /weights differ/],
    ] as const) {
      const failed = await merge(...names);
      expect([failed.code, failed.message]).toEqual([3, expect.stringMatching(message)]);
    }
  });

  test("an unfinished file is not pruned with", async () => {
    const flags = [
      "-o",
      file("bad.onnx"),
      "--criterion",
      "wanda",
      "--sparsity",
      "0.5",
      "--statistics",
      file("part1.stats"),
    ];
    const failed = await failure("prune", useLitePath(), ...flags);
    expect([failed.code, failed.message]).toEqual([3, expect.stringMatching(/shards 0, 2 of 3 are missing/)]);
  });

  test("an output that cannot be written: exit code 4", async () => {
    const samples = ["--samples", file("sentences.jsonl")];
    expect((await failure("calibrate", useLitePath(), "-o", file("nowhere/x.stats"), ...samples)).code).toBe(4);
    expect((await failure("merge", file("whole.stats"), "-o", file("nowhere/x.stats"))).code).toBe(4);
    expect(existsSync(file("nowhere"))).toBe(false);
  });
});
