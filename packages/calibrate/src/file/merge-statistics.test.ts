import { encodeStatistics, mergeStatistics, type StatisticsFile } from "@espalier/calibrate";
import { describe, expect, it } from "vitest";
import { failure } from "../../test/failure.js";
import { digest, fileWith, MOMENTS } from "../../test/statistics-content.js";

const named = (...files: StatisticsFile[]) => files.map((file, index) => ({ name: `${index}.stats`, file }));
const unread = { total: 2, complete: false };

describe("mergeStatistics", () => {
  const whole = encodeStatistics(fileWith([0, 1, 2, 3, 4, 5]));

  it.each([
    [
      "halves",
      [
        [0, 2, 4],
        [1, 3, 5],
      ],
    ],
    [
      "halves the other way round",
      [
        [1, 3, 5],
        [0, 2, 4],
      ],
    ],
    ["thirds and a sixth", [[1, 4], [5, 2], [3], [0]]],
    ["a whole and nothing", [[0, 1, 2, 3, 4, 5], []]],
  ])("gives the bytes of one run: %s", (_, parts) => {
    const merged = mergeStatistics(named(...parts.map((shards) => fileWith(shards))));
    expect(encodeStatistics(merged)).toEqual(whole);
  });

  it("can be done in steps, and with files that are not finished", () => {
    const early = fileWith([0], unread);
    const first = mergeStatistics(named(early, fileWith([1, 5])));
    expect(first.samples.complete).toBe(true);
    const all = mergeStatistics(named(fileWith([2, 3, 4]), first));
    expect(encodeStatistics(all)).toEqual(whole);
  });

  it("refuses a shard twice, naming the file", () => {
    const error = failure(() => mergeStatistics(named(fileWith([0, 2]), fileWith([1, 2]))));
    expect(error).toMatchObject({ code: "shard-twice", context: { shard: 2, path: "1.stats" } });
    expect(error.message).toMatch(/^1\.stats: Shard 2 is there twice/);
  });

  const changed = (changes: object) => fileWith([1], { changes });
  const { samples } = fileWith([]);
  it.each([
    ["other weights", changed({ model: { graph: digest(1), weights: digest(3) } }), "other-model", "weights differ"],
    ["another graph", changed({ model: { graph: digest(3), weights: digest(2) } }), "other-model", "graph differs"],
    [
      "another batch",
      changed({ options: { batch: 4, shardSize: 2, mask: null } }),
      "other-options",
      "batch was 4 and is 1",
    ],
    [
      "another mask",
      changed({ options: { batch: 1, shardSize: 2, mask: "m" } }),
      "other-options",
      "mask was m and is not given",
    ],
    ["a weight less", changed({ moments: [] }), "other-options", "it has no sums of squares of query (1 × 2)"],
    [
      "a Gram matrix more",
      changed({
        moments: [
          ...fileWith([1]).moments,
          { kind: "gram", weights: [{ name: "q", groups: 1, inFeatures: 2 }], folded: 0, pending: new Map() },
        ],
      }),
      "other-options",
      "it has Gram matrix of q (1 × 2), which was not asked for",
    ],
    [
      "another order of weights",
      changed({ moments: fileWith([1]).moments.toReversed() }),
      "other-options",
      "another order",
    ],
    [
      "other samples",
      changed({ samples: { ...samples, shards: samples.shards.with(3, digest(7)) } }),
      "other-samples",
      "the samples of shard 3 (6 to 7) are others",
    ],
    ["more samples", fileWith([1], { total: 7 }), "other-samples", "shard 6 (12 to 13)"],
    ["fewer samples", fileWith([1], { total: 5 }), "other-samples", "shard 5 (10 to 11)"],
  ] as const)("refuses a file with %s, and says so", (_, other, code, text) => {
    const error = failure(() => mergeStatistics(named(fileWith([0]), other)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it("compares unfinished files with each other, not only with the first", () => {
    const differs = { ...fileWith([1]), samples: { ...samples, shards: samples.shards.with(5, digest(7)) } };
    const error = failure(() => mergeStatistics(named(fileWith([0], unread), fileWith([2]), differs)));
    expect(error.code).toBe("other-samples");
  });

  it("refuses to merge nothing", () => {
    expect(failure(() => mergeStatistics([])).code).toBe("bad-option");
  });

  it("does not change what it is given", () => {
    const files = [fileWith([1, 3]), fileWith([0, 2])];
    const before = files.map((file) => encodeStatistics(file));
    mergeStatistics(named(...files));
    expect(files.map((file) => encodeStatistics(file))).toEqual(before);
    expect(files[0]!.moments.map(({ weights }) => weights)).toEqual(MOMENTS.map(({ weights }) => weights));
  });
});
