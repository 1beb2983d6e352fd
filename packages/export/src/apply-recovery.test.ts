import { l1, Mask, unstructured } from "@espalier/core";
import { applyMasks, type ExportError, isExportError, type PruningRun, type Recovery } from "@espalier/export";
import {
  decodeModel,
  encodeModel,
  type Model,
  metadata,
  prunableWeights,
  type TensorProto,
  tensorBytes,
  walkTensors,
} from "@espalier/onnx";
import { buildModel, node, random, type TensorElements, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

/** x [1, 4] · W [4, 2] + b. */
function oneLayer(w: TensorElements, b: TensorElements = Float32Array.of(1, -1)): Model {
  return decodeModel(
    buildModel({
      nodes: [node("MatMul", ["x", "W"], ["h"]), node("Add", ["h", "b"], ["y"])],
      initializers: [tensor("W", [4, 2], w), tensor("b", [2], b)],
      inputs: [valueInfo("x", "float32", [1, 4])],
      outputs: [valueInfo("y", "float32", [1, 2])],
    }),
  );
}

const W = Float32Array.of(-1, 0.5, 3, -0, -0.25, 6, 7, -8);
const MASK = Mask.from([0, 1, 0, 1, 0, 1, 1, 0]);
const VALUES = Float64Array.of(9, 0.1, 9, -0, 9, -6.5, 7.25, 9);
const run: PruningRun = { tool: "test 1.0", criterion: l1(), pattern: unstructured(0.5) };

function tensorOf(model: Model, name: string): TensorProto {
  return [...walkTensors(model.proto)].find((entry) => entry.tensor.name === name)!.tensor;
}

function bytesOf(model: Model, name: string): Uint8Array {
  return tensorBytes(model, tensorOf(model, name));
}

function apply(model: Model, recovery: Partial<Recovery>, more: Partial<PruningRun> = {}, mask = MASK): Model {
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const whole = { method: "obs", values: new Map(), ...recovery };
  return applyMasks(model, weights, new Map([[weights[0]!.name, mask]]), { ...run, recovery: whole, ...more });
}

const recovered = (values: Float32Array | Float64Array): Partial<Recovery> => ({ values: new Map([["W", values]]) });

function stepsOf(model: Model): Record<string, unknown>[] {
  return JSON.parse(metadata(model).get("espalier.pruning")!).steps;
}

function errorOf(action: () => unknown): ExportError {
  try {
    action();
  } catch (error) {
    if (isExportError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("applyMasks with new values, the weights", () => {
  it("writes what stays, and +0 where the mask prunes whatever the value there", () => {
    const pruned = apply(oneLayer(W), recovered(VALUES));
    const found = new Float32Array(bytesOf(pruned, "W").buffer);
    expect([...found].map((value) => (Object.is(value, -0) ? "-0" : value))).toEqual(
      [0, Math.fround(0.1), 0, 0, 0, -6.5, 7.25, 0], // −0 among the new values is +0 like every zero
    );
    expect(bytesOf(pruned, "b")).toEqual(bytesOf(oneLayer(W), "b"));
  });

  // Halves of the last place go to even: 2049 is between 2048 and 2050 (fraction 0 and 1), 2051 between 2050 and 2052.
  // 1e-8 is below half of the smallest float16 2⁻²⁴ = 5.96e-8. A bfloat16 has 8 bits: 257 is between 256 and 258, 259 between 258 and 260.
  it.each([
    ["float16", [2049, 2051, -1e-8, 65519], [0x6800, 0x6802, 0, 0x7bff]],
    ["bfloat16", [257, 259, 1.00390625, 3.0e38], [0x4380, 0x4382, 0x3f80, 0x7f62]],
  ] as const)("rounds to the nearest %s, ties to even, what is too small to +0", (dtype, values, bits) => {
    const model = oneLayer({ dtype, bits: new Uint16Array(8).fill(0x3c00) });
    const all = Float64Array.from([...values, ...values]);
    const pruned = apply(model, recovered(all), {}, Mask.from([1, 1, 1, 1, 0, 0, 0, 0]));
    expect([...new Uint16Array(bytesOf(pruned, "W").buffer)]).toEqual([...bits, 0, 0, 0, 0]);
  });

  it("keeps float64 as it is", () => {
    const pruned = apply(oneLayer(Float64Array.from(W)), recovered(VALUES));
    expect(new Float64Array(bytesOf(pruned, "W").buffer)[1]).toBe(0.1);
  });

  // A piece has 4 MiB: 2²⁰ float32.
  it("writes weights of several pieces, and asks for lazy values once each time they are read", () => {
    const entries = 2 * 2 ** 20 + 6;
    const values = random(3).float32(entries);
    const mask = Mask.from(Array.from({ length: entries }, (_, index) => index % 3 !== 1));
    const model = decodeModel(
      buildModel({
        nodes: [node("MatMul", ["x", "W"], ["y"])],
        initializers: [tensor("W", [2, entries / 2], new Float32Array(entries))],
      }),
    );
    let asked = 0;
    const lazy = (): Float32Array => {
      asked++;
      return values;
    };
    const pruned = apply(model, { values: new Map([["W", lazy]]) }, {}, mask);
    expect(asked).toBe(1);
    const found = new Float32Array(bytesOf(pruned, "W").buffer);
    expect(asked).toBe(2);
    expect(found.findIndex((value, index) => value !== (mask.keeps(index) ? values[index] : 0))).toBe(-1);
  });

  it("writes the same bytes every time", () => {
    const write = (): Uint8Array => encodeModel(apply(oneLayer(W), recovered(VALUES)));
    expect(Buffer.compare(write(), write())).toBe(0);
  });

  it("gives back the model itself when it is recovered again to what it is, and adds a step when it is not", () => {
    const once = decodeModel(encodeModel(apply(oneLayer(W), recovered(VALUES))));
    expect(apply(once, recovered(VALUES))).toBe(once);
    const other = VALUES.map((value) => 2 * value);
    expect(stepsOf(apply(once, recovered(other)))).toHaveLength(2);
    expect(stepsOf(apply(once, recovered(VALUES), { criterion: { name: "obs", defaultGroup: "layer" } }))).toHaveLength(
      2,
    );
  });
});

describe("applyMasks with new values, other tensors", () => {
  const b = Float64Array.of(0.1, 2);
  const withBias = (model: Model): Partial<Recovery> => ({
    ...recovered(VALUES),
    tensors: new Map([[tensorOf(model, "b"), b]]),
  });

  it("writes biases beside the weights, and records their names", () => {
    const model = oneLayer(W);
    const pruned = apply(model, withBias(model), {
      recovery: { method: "least-squares", ...withBias(model) } as Recovery,
    });
    expect([...new Float32Array(bytesOf(pruned, "b").buffer)]).toEqual([Math.fround(0.1), 2]);
    expect(stepsOf(pruned)[0]).toMatchObject({ recover: "least-squares", changedTensors: ["b"], weights: ["W"] });
  });

  it("finds a bias in a Constant node, under the name of the node's output", () => {
    const model = decodeModel(
      buildModel({
        nodes: [
          node("Constant", [], ["c"], { value: tensor("", [2], Float32Array.of(1, 2)) }),
          node("MatMul", ["x", "W"], ["h"]),
          node("Add", ["h", "c"], ["y"]),
        ],
        initializers: [tensor("W", [4, 2], W)],
        inputs: [valueInfo("x", "float32", [1, 4])],
        outputs: [valueInfo("y", "float32", [1, 2])],
      }),
    );
    const constant = [...walkTensors(model.proto)].find(({ role }) => role === "attribute")!.tensor;
    const pruned = apply(model, { method: "bias", tensors: new Map([[constant, b]]) });
    expect(stepsOf(pruned)[0]).toMatchObject({ recover: "bias", changedTensors: ["c"] });
    expect(new Float32Array(tensorBytes(pruned, constant).buffer)[1]).toBe(2);
  });

  it("is done already only where the record names them", () => {
    const model = oneLayer(W, Float32Array.from(b));
    const once = apply(model, recovered(VALUES));
    const twice = apply(once, withBias(once));
    expect(bytesOf(twice, "b")).toEqual(bytesOf(once, "b"));
    expect(stepsOf(twice)).toHaveLength(2);
    expect(apply(twice, withBias(twice))).toBe(twice);
  });
});

describe("applyMasks with an allocation", () => {
  it("records what each weight was to have", () => {
    const allocation = { name: "owl", sparsities: new Map([["W", 0.5]]) };
    const pruned = applyMasks(
      oneLayer(W),
      prunableWeights(oneLayer(W)).filter((weight) => weight.prunable),
      new Map(),
      { ...run, allocation },
    );
    expect(metadata(pruned).size).toBe(0);
    const recorded = stepsOf(apply(oneLayer(W), {}, { allocation }))[0];
    expect(recorded).toMatchObject({ allocation: "owl", sparsities: { W: 0.5 }, sparsity: 0.5 });
  });

  it("refuses one that leaves a masked weight out, and counts another one as another run", () => {
    const error = errorOf(() => apply(oneLayer(W), {}, { allocation: { name: "owl", sparsities: new Map() } }));
    expect(error.code).toBe("invalid-run");
    const once = apply(oneLayer(W), {}, { allocation: { name: "owl", sparsities: new Map([["W", 0.5]]) } });
    expect(apply(once, {}, { allocation: { name: "owl", sparsities: new Map([["W", 0.5]]) } })).toBe(once);
    expect(stepsOf(apply(once, {}, { allocation: { name: "owl", sparsities: new Map([["W", 0.4]]) } }))).toHaveLength(
      2,
    );
  });
});

describe("applyMasks with new values, wrong input", () => {
  const model = oneLayer(W);

  it.each<[string, () => unknown, string, string]>([
    [
      "too few values",
      () => apply(model, recovered(VALUES.slice(1))),
      "values-mismatch",
      '7 new values for "W", expected 8 for its shape [4, 2]',
    ],
    [
      "NaN",
      () => apply(model, recovered(VALUES.with(5, Number.NaN))),
      "not-finite",
      'of "W" hold NaN at index 5, which is no finite float32',
    ],
    ["what float32 cannot hold", () => apply(model, recovered(VALUES.with(6, 1e39))), "not-finite", "1e+39 at index 6"],
    [
      "values without a mask",
      () => apply(model, { values: new Map([["V", VALUES]]) }),
      "unknown-weight",
      'new values for "V", but no mask',
    ],
    [
      "a tensor of another model",
      () => apply(model, { tensors: new Map([[tensorOf(oneLayer(W), "b"), VALUES]]) }),
      "unknown-weight",
      'the tensor "b" is to change, but is no constant',
    ],
    [
      "a weight among the tensors",
      () => apply(model, { tensors: new Map([[tensorOf(model, "W"), VALUES]]) }),
      "unknown-weight",
      "give its new values by name",
    ],
    [
      "a bias of another length",
      () => apply(model, { tensors: new Map([[tensorOf(model, "b"), VALUES]]) }),
      "values-mismatch",
      '8 new values for "b"',
    ],
  ])("refuses %s", (_, action, code, message) => {
    const error = errorOf(action);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it("refuses what is too large for float16, where it rounds to Infinity", () => {
    const half = oneLayer({ dtype: "float16", bits: new Uint16Array(8).fill(0x3c00) });
    expect(errorOf(() => apply(half, recovered(VALUES.with(1, 65520)))).message).toContain(
      "65520 at index 1, which is no finite float16",
    );
  });

  it("refuses quantised weights, with the reason", () => {
    const quantised = decodeModel(
      buildModel({
        nodes: [node("DequantizeLinear", ["Q", "s"], ["W"]), node("MatMul", ["x", "W"], ["y"])],
        initializers: [tensor("Q", [4, 2], new Int8Array(8).fill(3)), tensor("s", [], Float32Array.of(0.5))],
        inputs: [valueInfo("x", "float32", [1, 4])],
        outputs: [valueInfo("y", "float32", [1, 2])],
      }),
    );
    const error = errorOf(() => apply(quantised, { values: new Map([["Q", VALUES]]) }));
    expect([error.code, error.weight]).toEqual(["unsupported-dtype", "Q"]);
    expect(error.message).toBe(
      '"Q" is int8 and takes no new values: its scale fits the values it has: recover the float model first, and quantise it afterwards',
    );
  });
});
