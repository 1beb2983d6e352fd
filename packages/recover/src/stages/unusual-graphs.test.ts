import { decodeModel, floatBytes, prunableWeights, withTensorData } from "@espalier/onnx";
import type { Sample, Tensor } from "@espalier/runtime";
import { buildModel, graph, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
// Built, because workers run what is built.
import { runStages } from "../../dist/stages/run-stages.js";
import { floats, transformer, weight } from "../../test-support/stage-cases.js";
import { checkCase, rowsOf, type StageCase } from "../../test-support/stage-reference.js";

const stagesOf = (report: Awaited<ReturnType<typeof checkCase>>) =>
  report.stages.map(({ weights }) => weights.map(({ name }) => name));

/** `relu(x · w1) · w2`, with what stands between replaced. */
function chain(between: readonly ReturnType<typeof node>[], more: Partial<StageCase["parts"]> = {}): StageCase {
  return {
    parts: {
      nodes: [node("MatMul", ["x", "w1"], ["h"]), ...between, node("MatMul", ["a", "w2"], ["y"])],
      ...more,
      initializers: [weight("w1", [4, 6]), weight("w2", [6, 3]), ...(more.initializers ?? [])],
      inputs: [valueInfo("x", "float32", ["n", 4]), ...(more.inputs ?? [])],
      outputs: [valueInfo("y", "float32", ["n", 3])],
    },
    samples: floats(7, [3, 4]).map((x) => ({ x })),
    seen: { w1: { values: ["x"], see: rowsOf }, w2: { values: ["a"], see: rowsOf } },
  };
}

describe("runStages, on graphs that are not a plain chain", () => {
  it("carries what a subgraph reads from around it, in both models", async () => {
    const branch = (name: string, op: string) =>
      graph({
        name,
        nodes: [node(op, ["h"], [`${name}_1`]), node("Mul", [`${name}_1`, "gain"], [`${name}_2`])],
        initializers: [tensor("gain", [1], Float32Array.of(2))],
        outputs: [valueInfo(`${name}_2`, "float32", ["n", 6])],
      });
    const condition = [
      node("ReduceMax", ["x"], ["most"], { keepdims: 0 }),
      node("Less", ["most", "limit"], ["isSmall"]),
      node("If", ["isSmall"], ["a"], { then_branch: branch("small", "Tanh"), else_branch: branch("large", "Relu") }),
    ];
    const one = chain(condition, { initializers: [tensor("limit", [], Float32Array.of(1.5))] });
    expect(stagesOf(await checkCase(one))).toEqual([["w1"], ["w2"]]);
  });

  it("decides a weight that is read twice with what it holds so far, and runs what follows with what it holds then", async () => {
    const tied: StageCase = {
      parts: {
        nodes: [
          node("MatMul", ["x", "first"], ["h0"]),
          node("MatMul", ["h0", "tied"], ["h1"]),
          node("Tanh", ["h1"], ["a1"]),
          node("MatMul", ["a1", "inner"], ["h2"]),
          node("MatMul", ["h2", "tied"], ["h3"]),
          node("Tanh", ["h3"], ["a3"]),
          node("MatMul", ["a3", "last"], ["y"]),
        ],
        initializers: ["first", "tied", "inner", "last"].map((name) => weight(name, [4, 4])),
        inputs: [valueInfo("x", "float32", ["n", 4])],
        outputs: [valueInfo("y", "float32", ["n", 4])],
      },
      samples: floats(5, [3, 4]).map((x) => ({ x })),
      seen: {
        first: { values: ["x"], see: rowsOf },
        tied: { values: ["h0", "h2"], see: (values) => [values.flatMap((value) => rowsOf([value])[0]!)] },
        inner: { values: ["a1"], see: rowsOf },
        last: { values: ["a3"], see: rowsOf },
      },
    };
    expect(stagesOf(await checkCase(tied))).toEqual([["first"], ["tied", "inner"], ["last"]]);
  });

  it("takes weights from Constant nodes, and constants that are computed from weights", async () => {
    const nodes = [
      node("Constant", [], ["w3"], { value: weight("", [6, 6]) }),
      node("Transpose", ["w3"], ["w3t"], { perm: [1, 0] }),
      node("MatMul", ["h", "w3t"], ["g"]),
      node("Relu", ["g"], ["a"]),
    ];
    const one = chain(nodes);
    const seen = { ...one.seen, w3: { values: ["h"], see: rowsOf } };
    expect(stagesOf(await checkCase({ ...one, seen }))).toEqual([["w1"], ["w3"], ["w2"]]);
  });

  it("computes sequences again instead of carrying them", async () => {
    const nodes = [
      node("Split", ["h"], ["left", "right"], { axis: 1 }),
      node("SequenceConstruct", ["left", "right"], ["parts"]),
      node("ConcatFromSequence", ["parts"], ["joined"], { axis: 1 }),
      node("Relu", ["joined"], ["b"]),
      node("MatMul", ["b", "w3"], ["g"]),
      node("ConcatFromSequence", ["parts"], ["again"], { axis: 1 }),
      node("Add", ["g", "again"], ["a"]),
    ];
    const one = chain(nodes, { initializers: [weight("w3", [6, 6])] });
    const seen = { ...one.seen, w3: { values: ["b"], see: rowsOf } };
    await checkCase({ ...one, seen });
  });

  it("counts only positions where the mask is not 0", async () => {
    const lengths = [5, 2, 4, 1, 3, 5];
    const samples = floats(lengths.length, [1, 5, 8]).map((x, index): Sample => {
      const mask = BigInt64Array.from({ length: 5 }, (_, place) => (place < lengths[index]! ? 1n : 0n));
      return { x, mask: { dtype: "int64", dims: [1, 5], data: mask } };
    });
    const { parts } = transformer;
    const see = ([x, mask]: readonly Tensor[]) => [rowsOf([x!])[0]!.filter((_, place) => mask!.data[place] === 1n)];
    const masked: StageCase = {
      parts: { ...parts, inputs: [...parts.inputs!, valueInfo("mask", "int64", ["n", "s"])] },
      samples,
      options: { mask: "mask" },
      residuals: { wd: { values: ["r1", "mask"], see } },
      seen: Object.fromEntries(
        Object.entries(transformer.seen).map(([name, { values }]) => [name, { values: [...values, "mask"], see }]),
      ),
    };
    const report = await checkCase(masked);
    expect(report.stages.flatMap(({ weights }) => weights.map(({ positions }) => positions))).toEqual(
      Array(6).fill(20),
    );
  });
});

describe("runStages, from a model that has changed before", () => {
  it("tells the inputs in the dense model from those in the current one from the start", async () => {
    const { parts, samples } = chain([node("Relu", ["h"], ["a"])]);
    const dense = decodeModel(buildModel(parts));
    const weights = prunableWeights(dense).filter((one) => one.prunable);
    const [w1, w2] = weights;
    const now = random(4).float32(24);
    const current = withTensorData(dense, new Map([[w1!.tensor, () => floatBytes(w1!.tensor, now)]]));
    const options = { samples, batch: 2, threads: 1, memory: 1e9, heldBack: 0, cross: true };
    const crossed: string[] = [];
    await runStages(dense, current, weights, options, async (one, { fit }) => {
      if (fit[0]!.cross) crossed.push(one.name);
      // Back to what it was, so that both models are the same again behind it.
      return { values: one.read() };
    });
    expect(crossed).toEqual([]);
    await runStages(dense, current, [w2!], options, async (one, { fit }) => {
      if (fit[0]!.cross) crossed.push(one.name);
      return { values: one.read() };
    });
    expect(crossed).toEqual(["w2"]);
  });

  it("stores new values as float16 where the weight is", async () => {
    const bits = (values: Float32Array) => Uint16Array.from(values, (value) => (value === 0 ? 0 : 0x3c00));
    const half = (name: string, dims: readonly number[]) =>
      tensor(name, dims, { dtype: "float16", bits: bits(new Float32Array(dims[0]! * dims[1]!).fill(1)) });
    const parts = {
      nodes: [node("MatMul", ["x", "w1"], ["h"]), node("Relu", ["h"], ["a"]), node("MatMul", ["a", "w2"], ["y"])],
      initializers: [half("w1", [2, 2]), half("w2", [2, 2])],
      inputs: [valueInfo("x", "float16", ["n", 2])],
      outputs: [valueInfo("y", "float16", ["n", 2])],
    };
    const dense = decodeModel(buildModel(parts));
    const weights = prunableWeights(dense).filter((one) => one.prunable);
    // 1 and 0, as float16.
    const x = { dtype: "float16" as const, dims: [1, 2], data: Uint16Array.of(0x3c00, 0) };
    const options = { samples: [{ x }], batch: 1, threads: 1, memory: 0, heldBack: 0, cross: true };
    const seen: unknown[] = [];
    await runStages(dense, dense, weights, options, async (one, { fit: [moments] }) => {
      if (one.name === "w2")
        seen.push([...moments!.sum], [...moments!.denseSum], [...moments!.gram], [...moments!.cross!]);
      // 1/3 becomes 0.333251953125, 1/4 stays.
      return { values: Float64Array.of(1 / 3, 1 / 4, 0, 0) };
    });
    const [third, quarter] = [0.333251953125, 0.25];
    expect(seen).toEqual([
      [third, quarter],
      [1, 1],
      [third ** 2, third * quarter, third * quarter, quarter ** 2].map(Math.fround),
      [third, third, quarter, quarter],
    ]);
  });

  it("refuses a current model of another graph", async () => {
    const [dense, other] = [chain([node("Relu", ["h"], ["a"])]), chain([node("Relu", ["h"], ["a"])])].map(({ parts }) =>
      decodeModel(buildModel(parts)),
    );
    const fewer = decodeModel(buildModel(transformer.parts));
    const weights = prunableWeights(dense!).filter((one) => one.prunable);
    const options = { samples: [], batch: 2, threads: 1, memory: 1e9, heldBack: 0, cross: true };
    const decide = async () => expect.fail();
    await expect(runStages(dense!, fewer, weights, options, decide)).rejects.toMatchObject({ code: "bad-option" });
    // The same graph with other numbers is one, from whatever file.
    await expect(runStages(dense!, other!, weights, options, decide)).rejects.toMatchObject({ code: "no-samples" });
  });
});
