import { decodeModel, encodeModel, metadata, prunableWeights, withMetadata } from "@espalier/onnx";
import { buildModel, externalTensor, graph, type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectMeasured, float32, measuredRun } from "../../test-support/measured-run.js";
import { gramBytes, type InstrumentOptions, instrument } from "./index.js";

const f32 = (name: string, dims: readonly number[], seed = 1) =>
  tensor(name, dims, random(seed).float32(dims.reduce((all, size) => all * size, 1)));
const x23 = () => float32([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
/** Squares of the columns of {@link x23}: 1 + 16, 4 + 25, 9 + 36. */
const SUMS = { sums: [17, 29, 45], count: 2 };

function parts(
  nodes: ModelParts["nodes"],
  initializers: ModelParts["initializers"],
  outputs: readonly string[],
  more: Partial<ModelParts> = {},
): ModelParts {
  return {
    nodes,
    initializers: initializers ?? [],
    inputs: [valueInfo("x", "float32", ["batch", 3])],
    outputs: outputs.map((name) => valueInfo(name, "float32", ["a", "b"])),
    ...more,
  };
}

function instrumented(given: ModelParts, options: InstrumentOptions = {}) {
  const model = decodeModel(buildModel(given));
  return instrument(
    model,
    prunableWeights(model).filter((weight) => weight.prunable),
    options,
  );
}

describe("instrument", () => {
  it("reduces an input that several weights read once, in one probe", async () => {
    const qkv = ["q", "k", "v"];
    const { weights, instrumentation } = await measuredRun(
      parts(
        [
          ...qkv.map((name) => node("MatMul", ["x", `W_${name}`], [name])),
          node("Relu", ["q"], ["r"]),
          node("MatMul", ["r", "W_o"], ["o"]),
        ],
        [...qkv.map((name) => f32(`W_${name}`, [3, 2])), f32("W_o", [2, 2])],
        ["q", "k", "v", "o"],
      ),
      { x: x23() },
    );
    const { probes, model } = instrumentation;
    expect(probes.map(({ kind, weights }) => [kind, weights.map(({ name }) => name)])).toEqual([
      ["squares", ["W_q", "W_k", "W_v"]],
      ["squares", ["W_o"]],
    ]);
    expect(probes[0]!.weights[0]).toEqual({ name: "W_q", groups: 1, inFeatures: 3 });
    for (const name of qkv) expect(weights.get(`W_${name}`)).toEqual(SUMS);
    expect(model.proto.graph!.node.filter(({ opType }) => opType === "Mul")).toHaveLength(2);
  });

  it("keeps weights apart that read the same input in different ways", async () => {
    const { instrumentation } = await measuredRun(
      {
        nodes: [
          node("Conv", ["x", "A"], ["a"]),
          node("Conv", ["x", "B"], ["b"], { pads: [1, 1, 1, 1] }),
          node("Conv", ["x", "C"], ["c"], { pads: [1, 1, 1, 1] }),
        ],
        initializers: [f32("A", [1, 2, 3, 3]), f32("B", [1, 2, 3, 3]), f32("C", [4, 2, 3, 3])],
        inputs: [valueInfo("x", "float32", [1, 2, 5, 5])],
        outputs: ["a", "b", "c"].map((name) => valueInfo(name, "float32", ["n", "o", "h", "w"])),
      },
      { x: float32([1, 2, 5, 5], random(1).float32(50)) },
    );
    expect(instrumentation.probes.map(({ weights }) => weights.map(({ name }) => name))).toEqual([["A"], ["B", "C"]]);
    const squares = instrumentation.model.proto.graph!.node.filter(
      ({ opType, input }) => opType === "Mul" && input[0] === "x",
    );
    expect(squares).toHaveLength(1);
  });

  it("adds up what a weight sees at several places", async () => {
    const { weights } = await measuredRun(
      parts(
        [
          node("MatMul", ["x", "W"], ["a"]),
          node("MatMul", ["other", "W"], ["b"]),
          node("Shape", ["W"], ["s"]),
          node("Cast", ["s"], ["c"], { to: 1 }),
        ],
        [f32("W", [3, 2])],
        ["a", "b"],
        { inputs: [valueInfo("x", "float32", ["batch", 3]), valueInfo("other", "float32", ["rows", 3])] },
      ),
      { x: x23(), other: float32([1, 3], Float32Array.of(1, 0, 10)) },
      { gram: true },
    );
    expectMeasured(weights.get("W"), [
      [
        [1, 2, 3],
        [4, 5, 6],
        [1, 0, 10],
      ],
    ]);
  });

  it("measures at the consumer, whatever stands between it and the weight", async () => {
    const zero = tensor("zero", [], Int8Array.of(0));
    const { weights } = await measuredRun(
      parts(
        [
          node("Transpose", ["A"], ["a_t"], { perm: [1, 0] }),
          node("MatMul", ["x", "a_t"], ["a"]),
          node("Reshape", ["B", "shape"], ["b_r"]),
          node("MatMul", ["x", "b_r"], ["b"]),
          node("DequantizeLinear", ["Q", "scale", "zero"], ["q_f"]),
          node("Gemm", ["x", "q_f"], ["q"], { transB: 1 }),
          node("Constant", [], ["K"], { value: f32("", [3, 2]) }),
          node("MatMul", ["x", "K"], ["k"]),
        ],
        [
          f32("A", [2, 3]),
          f32("B", [6]),
          tensor("shape", [2], BigInt64Array.of(3n, 2n)),
          tensor("Q", [2, 3], Int8Array.of(1, -2, 3, 4, 5, 6)),
          tensor("scale", [], Float32Array.of(0.5)),
          zero,
        ],
        ["a", "b", "q", "k"],
      ),
      { x: x23() },
    );
    expect([...weights].map(([name, measured]) => [name, measured])).toEqual(
      ["A", "B", "Q", "K"].map((name) => [name, SUMS]),
    );
  });

  it("squares float16 as float32: 1000² is beyond float16", async () => {
    const thousand = 0x63d0;
    const { weights } = await measuredRun(
      {
        nodes: [node("MatMul", ["x", "W"], ["y"])],
        initializers: [tensor("W", [2, 1], { dtype: "float16", bits: new Uint16Array(2) })],
        inputs: [valueInfo("x", "float16", ["batch", 2])],
        outputs: [valueInfo("y", "float16", ["batch", 1])],
      },
      { x: { dtype: "float16", dims: [1, 2], data: Uint16Array.of(thousand, 0x3c00) } },
    );
    expect(weights.get("W")).toEqual({ sums: [1e6, 1], count: 1 });
  });

  it("measures float64 models, and bfloat16 weights that are cast", async () => {
    const bits = new Uint16Array(6).fill(0x3f80);
    const { weights } = await measuredRun(
      parts(
        [
          node("Cast", ["B"], ["b_f"], { to: 1 }),
          node("MatMul", ["x", "b_f"], ["y"]),
          node("Cast", ["x"], ["x_d"], { to: 11 }),
          node("MatMul", ["x_d", "D"], ["d"]),
          node("Cast", ["d"], ["z"], { to: 1 }),
        ],
        [tensor("B", [3, 2], { dtype: "bfloat16", bits }), tensor("D", [3, 2], new Float64Array(6))],
        ["y", "z"],
      ),
      { x: x23() },
    );
    expect(weights.get("B")).toEqual(SUMS);
    expect(weights.get("D")).toEqual(SUMS);
  });

  it("gives the same at every level of optimisation", async () => {
    const given: ModelParts = {
      nodes: [
        node("Conv", ["x", "K"], ["c"], { strides: [2, 2] }),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["g"]),
        node("Flatten", ["g"], ["f"]),
        node("Gemm", ["f", "W", "b"], ["y"]),
      ],
      initializers: [f32("K", [4, 2, 3, 3]), f32("W", [4, 2]), f32("b", [2])],
      inputs: [valueInfo("x", "float32", ["n", 2, "h", "w"])],
      outputs: [valueInfo("y", "float32", ["n", 2])],
    };
    const feeds = { x: float32([2, 2, 8, 9], random(2).float32(288)) };
    const runs = [];
    for (const optimization of ["disabled", "basic", "extended", "all"] as const) {
      runs.push((await measuredRun(given, feeds, {}, { optimization })).weights);
    }
    for (const weights of runs) {
      for (const [name, { sums, count }] of weights) {
        const first = runs[0]!.get(name)!;
        expect(count).toBe(first.count);
        // Only the order of additions differs.
        for (const [index, value] of sums.entries()) expect(value / first.sums[index]!).toBeCloseTo(1, 5);
      }
    }
  });

  it("keeps its promise where every addition rounds to the same side: large inputs that are the same everywhere", async () => {
    const value = Math.fround(0.3337);
    const [rows, width, size] = [500, 4, 300];
    const { weights } = await measuredRun(
      {
        nodes: [node("MatMul", ["x", "W"], ["y"]), node("Conv", ["p", "A"], ["a"]), node("Conv", ["p", "B"], ["b"])],
        initializers: [f32("W", [width, 1]), f32("A", [1, 1, 1, 1]), f32("B", [1, 1, 3, 3])],
        inputs: [valueInfo("x", "float32", ["n", "seq", width]), valueInfo("p", "float32", ["n", 1, "h", "w"])],
        outputs: [
          valueInfo("y", "float32", ["n", "seq", 1]),
          ...["a", "b"].map((name) => valueInfo(name, "float32", ["n", "c", "h2", "w2"])),
        ],
      },
      {
        x: float32([8, rows, width], new Float32Array(8 * rows * width).fill(value)),
        p: float32([8, 1, size, size], new Float32Array(8 * size * size).fill(value)),
      },
    );
    const positions = { W: 8 * rows, A: 8 * size ** 2, B: 8 * (size - 2) ** 2 };
    for (const [name, count] of Object.entries(positions)) {
      expect(weights.get(name)!.count).toBe(count);
      for (const sum of weights.get(name)!.sums) expect(Math.abs(sum / (count * value ** 2) - 1)).toBeLessThan(1e-5);
    }
  });

  it("runs in onnxruntime-web", async () => {
    const given: ModelParts = {
      nodes: [
        node("MatMul", ["x", "W"], ["y"]),
        node("Conv", ["p", "K"], ["c"], { strides: [2, 1], auto_pad: "SAME_LOWER" }),
      ],
      initializers: [f32("W", [3, 2]), f32("K", [1, 1, 3, 1])],
      inputs: [valueInfo("x", "float32", ["batch", 3]), valueInfo("p", "float32", ["n", 1, "h", "w"])],
      outputs: [valueInfo("y", "float32", ["batch", 2]), valueInfo("c", "float32", ["n", 1, "h2", "w2"])],
    };
    const image = float32([1, 1, 4, 1], Float32Array.of(1, 2, 3, 4));
    const { weights } = await measuredRun(given, { x: x23(), p: image }, { gram: true }, { backend: "web" });
    expect(weights.get("W")).toMatchObject(SUMS);
    // Two windows reach 5, the one zero that is missing goes to the beginning: (0, 1, 2) and (2, 3, 4).
    expect(weights.get("K")).toMatchObject({ sums: [4, 10, 20], count: 2 });
  });

  it("takes names that are free, in subgraphs too", async () => {
    const branch = (name: string) =>
      graph({ nodes: [node("Identity", ["v"], [name])], outputs: [valueInfo(name, "float32", ["a", "b"])] });
    const { weights, instrumentation } = await measuredRun(
      parts(
        [
          node("MatMul", ["x", "espalier"], ["v"]),
          node("Constant", [], ["c"], { value: tensor("", [], { dtype: "bool", bits: Uint8Array.of(1) }) }),
          node("If", ["c"], ["y"], { then_branch: branch("espalier2/Mul_2"), else_branch: branch("e") }),
        ],
        [f32("espalier", [3, 2])],
        ["y"],
      ),
      { x: x23() },
    );
    expect(weights.get("espalier")).toEqual(SUMS);
    for (const { sumOutput, countOutput } of instrumentation.probes) {
      expect([sumOutput, countOutput].every((name) => name.startsWith("espalier3/"))).toBe(true);
    }
  });

  it("measures where the other factor is an input of the model, a constant, or the weight itself", async () => {
    const constant = tensor("C", [2, 3], x23().data as Float32Array);
    const { weights } = await measuredRun(
      parts(
        [node("MatMul", ["C", "W"], ["a"]), node("MatMul", ["x", "V"], ["b"]), node("MatMul", ["S", "S"], ["s"])],
        [constant, f32("W", [3, 2]), f32("V", [3, 2]), tensor("S", [2, 2], Float32Array.of(1, 2, 3, 4))],
        ["a", "b", "s"],
      ),
      { x: x23() },
    );
    expect(weights.get("W")).toEqual(SUMS);
    expect(weights.get("V")).toEqual(SUMS);
  });

  it("leaves the file as it is and puts its nodes behind it", () => {
    const bytes = buildModel(parts([node("MatMul", ["x", "W"], ["y"])], [f32("W", [3, 2])], ["y"]));
    const model = withMetadata(decodeModel(bytes), new Map([["key", "value"]]));
    const { model: after } = instrument(
      model,
      prunableWeights(model).filter((weight) => weight.prunable),
    );
    expect(encodeModel(after).subarray(0, bytes.length)).toEqual(bytes);
    expect(metadata(decodeModel(encodeModel(after)))).toEqual(new Map([["key", "value"]]));
  });

  it("needs no weight data: external data that is not there is not read", () => {
    const W = externalTensor("W", [3, 2], "float32", { location: "absent.bin", offset: 0, length: 24 });
    const { probes } = instrumented(parts([node("MatMul", ["x", "W"], ["y"])], [W], ["y"]));
    expect(probes).toHaveLength(1);
  });

  it("is plain data beside the model", () => {
    const { model: _, ...rest } = instrumented(parts([node("MatMul", ["x", "W"], ["y"])], [f32("W", [3, 2])], ["y"]));
    expect(structuredClone(rest)).toEqual(rest);
    expect(JSON.parse(JSON.stringify(rest))).toEqual(rest);
  });

  it("returns the model itself where there is nothing to measure", () => {
    const model = decodeModel(buildModel(parts([node("Relu", ["x"], ["y"])], [], ["y"])));
    expect(instrument(model, [])).toEqual({ model, probes: [], unsupported: [], withoutGram: [] });
    expect(instrument(model, []).model).toBe(model);
  });

  it("gives Gram matrices of the weights that are named", async () => {
    const given = parts(
      [node("MatMul", ["x", "V"], ["v"]), node("Relu", ["v"], ["r"]), node("MatMul", ["r", "W"], ["w"])],
      [f32("V", [3, 2]), f32("W", [2, 2])],
      ["w"],
    );
    const { probes } = instrumented(given, { gram: new Set(["W"]) });
    expect(probes.map(({ kind, weights }) => [kind, weights[0]!.name])).toEqual([
      ["squares", "V"],
      ["squares", "W"],
      ["gram", "W"],
    ]);
  });
});

describe("instrument gives a reason", () => {
  const reasons = (given: ModelParts, options: InstrumentOptions = {}) => {
    const { unsupported, withoutGram } = instrumented(given, options);
    return [...unsupported, ...withoutGram].map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  };

  it("for weights whose consumers disagree", () => {
    const given = parts(
      [node("MatMul", ["x", "W"], ["a"]), node("MatMul", ["W", "x"], ["b"])],
      [f32("W", [3, 3])],
      ["a", "b"],
    );
    expect(reasons(given)).toMatch("disagree about its axes");
  });

  it("where the rank of the other factor is not known and matters", () => {
    const given = parts(
      [node("Unknown", ["x"], ["u"], {}, { domain: "own" }), node("MatMul", ["W", "u"], ["y"])],
      [f32("W", [2, 3])],
      ["y"],
    );
    expect(reasons(given)).toMatch("the rank of what it is multiplied with is not known");
  });

  it("where it needs a newer opset", () => {
    const conv = {
      ...parts([node("Conv", ["x", "K"], ["y"])], [f32("K", [1, 2, 3, 3])], ["y"]),
      inputs: [valueInfo("x", "float32", ["n", 2, "h", "w"])],
      opset: 7,
    };
    expect(reasons(conv)).toMatch("needs a model of opset 9 or later");
  });

  it("where there is no Gram matrix", () => {
    const batch = {
      ...parts([node("MatMul", ["x", "W"], ["y"])], [f32("W", [2, 3, 2])], ["y"]),
      inputs: [valueInfo("x", "float32", [2, "rows", 3])],
    };
    expect(reasons(batch, { gram: true })).toMatch("there are no Gram matrices");
  });
});

describe("gramBytes", () => {
  it("is four bytes for every pair of features of every group", () => {
    expect(gramBytes({ groups: 2, inFeatures: 768 })).toBe(2 * 768 * 768 * 4);
  });
});
