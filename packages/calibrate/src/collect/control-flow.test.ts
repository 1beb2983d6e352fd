import { collectInThisThread, collectStatistics } from "@espalier/calibrate";
import { decodeModel } from "@espalier/onnx";
import { buildModel, graph, type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { float32 } from "../../test-support/measured-run.js";

const WIDTH = 64;
const COUNT = 12;

/** A branch with a matrix large enough to be stored in a file of its own. */
function branch(name: string, seed: number) {
  const matrix = tensor(`${name}_W`, [WIDTH, WIDTH], random(seed).float32(WIDTH * WIDTH));
  return graph({
    nodes: [node("MatMul", ["x", `${name}_W`], [name])],
    initializers: [matrix],
    outputs: [valueInfo(name, "float32", ["batch", WIDTH])],
  });
}

/** The first branch for samples whose sum is above 0. */
const parts: ModelParts = {
  nodes: [
    node("ReduceSum", ["x"], ["sum"], { keepdims: 0 }),
    node("Greater", ["sum", "zero"], ["c"]),
    node("If", ["c"], ["y"], { then_branch: branch("t", 1), else_branch: branch("e", 2) }, { name: "choice" }),
  ],
  initializers: [tensor("zero", [], Float32Array.of(0))],
  inputs: [valueInfo("x", "float32", [1, WIDTH])],
  outputs: [valueInfo("y", "float32", [1, WIDTH])],
};

describe("collectStatistics on a model with branches", () => {
  it("gives each branch the samples that take it, in workers as in this thread", async () => {
    const data = Array.from({ length: COUNT }, (_, index) =>
      random(index)
        .float32(WIDTH)
        .map((value) => value + (index % 3 === 0 ? 1 : -1)),
    );
    const samples = data.map((x) => ({ x: float32([1, WIDTH], x) }));
    const model = decodeModel(buildModel(parts));
    const options = { batch: 1, shardSize: 4 };
    const { statistics, skipped } = await collectStatistics(model, samples, { ...options, threads: 2 });
    expect(skipped).toEqual([]);
    for (const [name, taken] of [
      ["main/choice/then_branch/t_W", data.filter((_, index) => index % 3 === 0)],
      ["main/choice/else_branch/e_W", data.filter((_, index) => index % 3 !== 0)],
    ] as const) {
      const { sumOfSquares, count } = statistics.get(name)!;
      expect(count).toBe(taken.length);
      for (const [k, sum] of sumOfSquares.entries()) {
        const exact = taken.reduce((all, x) => all + x[k]! ** 2, 0);
        expect(Math.abs(sum - exact)).toBeLessThanOrEqual(1e-5 * exact);
      }
    }
    expect((await collectInThisThread(model, samples, options)).statistics).toEqual(statistics);
  });

  it("says which weights no sample reached", async () => {
    const samples = [{ x: float32([1, WIDTH], new Float32Array(WIDTH).fill(1)) }];
    const { statistics, skipped } = await collectInThisThread(decodeModel(buildModel(parts)), samples);
    expect([...statistics.keys()]).toEqual(["main/choice/then_branch/t_W"]);
    expect(skipped).toEqual([{ name: "main/choice/else_branch/e_W", reason: "no sample reached it" }]);
  });
});
