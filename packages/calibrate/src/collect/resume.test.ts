import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type CollectionProgress, collectStatistics, encodeStatistics } from "@espalier/calibrate";
import { beforeAll, describe, expect, it } from "vitest";
import { rejection } from "../../test/failure.js";
import { smallModel, smallSamples } from "../../test/small-model.js";
import { bytesOf, options, run, samples, useFolder } from "../../test/small-runs.js";

const path = useFolder();

/** What all ways must lead to. */
let whole: Uint8Array;
beforeAll(async () => {
  whole = await bytesOf({ threads: 1 });
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
