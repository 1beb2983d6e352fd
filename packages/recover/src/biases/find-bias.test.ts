import { decodeModel, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { buildModel, type GraphParts, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { biasFinder } from "./find-bias.js";

const matrix = tensor("W", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
const bias = tensor("b", [3], Float32Array.of(0.5, 0.5, 0.5));
const kernel = tensor("W", [3, 2, 1, 1], Float32Array.of(1, 2, 3, 4, 5, 6));
const perChannel = (name: string) => tensor(name, [3], Float32Array.of(1, 1, 1));

function siteOf(parts: Pick<GraphParts, "nodes" | "initializers">, dims: readonly (number | string)[]) {
  const model = decodeModel(
    buildModel({
      ...parts,
      inputs: [valueInfo("x", "float32", dims)],
      outputs: [valueInfo("y", "float32", dims.length === 2 ? ["n", 3] : ["n", 3, "h", "w"])],
    }),
  );
  const weight = prunableWeights(model).find(({ name }) => name === "W") as PrunableWeight;
  const site = biasFinder(model)(weight);
  return site && { name: site.tensor.name, factor: site.factor };
}

const LIST = ["n", 2];
const IMAGE = ["n", 2, "h", "w"];

describe("biasFinder", () => {
  it("finds the constant of an Add behind a MatMul, on either side", () => {
    const product = node("MatMul", ["x", "W"], ["p"]);
    const initializers = [matrix, bias];
    for (const inputs of [
      ["p", "b"],
      ["b", "p"],
    ]) {
      expect(siteOf({ nodes: [product, node("Add", inputs, ["y"])], initializers }, LIST)).toEqual({
        name: "b",
        factor: 1,
      });
    }
  });

  it("scales by alpha / beta for Gemm", () => {
    const gemm = node("Gemm", ["x", "W", "b"], ["y"], { alpha: 2.5, beta: 0.5 });
    expect(siteOf({ nodes: [gemm], initializers: [matrix, bias] }, LIST)).toEqual({ name: "b", factor: 5 });
  });

  it("finds none where beta is 0, because C does not count then", () => {
    // As float32 it is 0; a plain 0 would be written as an integer.
    const gemm = node("Gemm", ["x", "W", "b"], ["y"], { beta: Number.MIN_VALUE });
    expect(siteOf({ nodes: [gemm], initializers: [matrix, bias] }, LIST)).toBeUndefined();
  });

  it("finds the bias of a Conv, and none where the Conv has none", () => {
    const withBias = node("Conv", ["x", "W", "b"], ["y"]);
    expect(siteOf({ nodes: [withBias], initializers: [kernel, bias] }, IMAGE)).toEqual({ name: "b", factor: 1 });
    const without = node("Conv", ["x", "W"], ["y"]);
    expect(siteOf({ nodes: [without], initializers: [kernel] }, IMAGE)).toBeUndefined();
  });

  it("takes the mean of a BatchNormalization behind a Conv, the other way round", () => {
    const nodes = [node("Conv", ["x", "W"], ["c"]), node("BatchNormalization", ["c", "s", "b", "m", "v"], ["y"])];
    const initializers = [kernel, perChannel("s"), bias, perChannel("m"), perChannel("v")];
    expect(siteOf({ nodes, initializers }, IMAGE)).toEqual({ name: "m", factor: -1 });
  });

  it("finds none where another node reads the bias or the product too", () => {
    const product = node("MatMul", ["x", "W"], ["p"]);
    const initializers = [matrix, bias];
    const shared = [product, node("Add", ["p", "b"], ["q"]), node("Mul", ["q", "b"], ["y"])];
    expect(siteOf({ nodes: shared, initializers }, LIST)).toBeUndefined();
    const branched = [product, node("Add", ["p", "b"], ["q"]), node("Mul", ["q", "p"], ["y"])];
    expect(siteOf({ nodes: branched, initializers }, LIST)).toBeUndefined();
  });

  it("finds none where the constant is not one number for each channel", () => {
    const nodes = [node("MatMul", ["x", "W"], ["p"]), node("Add", ["p", "b"], ["y"])];
    const scalar = tensor("b", [1], Float32Array.of(1));
    expect(siteOf({ nodes, initializers: [matrix, scalar] }, LIST)).toBeUndefined();
    const column = tensor("b", [3, 1], Float32Array.of(1, 2, 3));
    expect(siteOf({ nodes, initializers: [matrix, column] }, LIST)).toBeUndefined();
  });
});
