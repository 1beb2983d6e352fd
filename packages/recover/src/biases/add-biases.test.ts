import { decodeModel, encodeModel, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { openRunner, type Tensor } from "@espalier/runtime";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { addBiases } from "./add-biases.js";
import { biasFinder } from "./find-bias.js";

const { float32 } = random(3);

/** A Conv, a MatMul and a Gemm without biases, one after the other. */
const bytes = buildModel({
  nodes: [
    node("Conv", ["x", "K"], ["c"]),
    node("GlobalAveragePool", ["c"], ["p"]),
    node("Flatten", ["p"], ["f"]),
    node("MatMul", ["f", "M"], ["m"]),
    node("Gemm", ["m", "G"], ["y"], { transB: 1 }),
  ],
  initializers: [
    tensor("K", [4, 2, 3, 3], float32(72)),
    tensor("M", [4, 5], float32(20)),
    tensor("G", [3, 5], float32(15)),
    tensor("M/bias", [1], Float32Array.of(1)),
  ],
  inputs: [valueInfo("x", "float32", [1, 2, 6, 6])],
  outputs: [valueInfo("y", "float32", [1, 3])],
});
const model = decodeModel(bytes);

async function outputOf(encoded: Uint8Array): Promise<unknown> {
  const runner = await openRunner(encoded);
  const x: Tensor = { dtype: "float32", dims: [1, 2, 6, 6], data: random(4).float32(72) };
  const { y } = await runner.run({ x });
  await runner.close();
  return y!.data;
}

describe("addBiases", () => {
  it("gives Conv, MatMul and Gemm a bias that biasFinder finds, under names that are free", () => {
    const biased = addBiases(model, new Set(["K", "M", "G"]));
    const biasOf = biasFinder(biased);
    const found = ["K", "M", "G"].map((name) => {
      const weight = prunableWeights(biased).find((one) => one.name === name) as PrunableWeight;
      return biasOf(weight)?.tensor.name;
    });
    expect(found).toEqual(["K/bias", "M/bias#2", "G/bias"]);
  });

  it("leaves the outputs as they are", async () => {
    const biased = addBiases(model, new Set(["K", "M", "G"]));
    expect(await outputOf(encodeModel(biased))).toEqual(await outputOf(bytes));
  });

  it("touches only the weights that are named, and gives the model itself back where nothing is to be done", () => {
    const once = addBiases(model, new Set(["M"]));
    expect(once.proto.graph!.node.map(({ opType }) => opType)).toEqual([
      "Conv",
      "GlobalAveragePool",
      "Flatten",
      "MatMul",
      "Add",
      "Gemm",
    ]);
    expect(addBiases(once, new Set(["M"]))).toBe(once);
  });
});
