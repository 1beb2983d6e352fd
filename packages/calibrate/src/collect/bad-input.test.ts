import { collectStatistics, readStatisticsFile } from "@espalier/calibrate";
import type { Sample } from "@espalier/runtime";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { rejection } from "../../test/failure.js";
import { smallModel } from "../../test/small-model.js";
import { options, run, samples, useFolder } from "../../test/small-runs.js";

const path = useFolder();

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
    const model = buildModel({
      nodes: [
        node("Einsum", ["x", "inner"], ["h"], { equation: "...i,ij->...j" }),
        node("MatMul", ["h", "outer"], ["y"]),
      ],
      initializers: ["inner", "outer"].map((name) => tensor(name, [2, 2], Float32Array.of(1, 2, 3, 4))),
      inputs: [valueInfo("x", "float32", ["n", 2])],
      outputs: [valueInfo("y", "float32", ["n", 2])],
    });
    const sample: Sample = { x: { dtype: "float32", dims: [1, 2], data: Float32Array.of(1, 2) } };
    const { statistics, skipped } = await collectStatistics(model, [sample], options);
    expect([...statistics.keys()]).toEqual(["outer"]);
    expect(skipped).toEqual([{ name: "inner", reason: "its Einsum has an ellipsis" }]);
    const error = await rejection(collectStatistics(model, [sample], { ...options, weights: ["outer", "inner"] }));
    expect(error).toMatchObject({ code: "unsupported", context: { weight: "inner" } });
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
