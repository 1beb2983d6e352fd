import { decodeModel, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { residualSummands } from "./residual-summands.js";

const { float32 } = random(2);
const initializers = [tensor("w", [4, 4], float32(16)), tensor("v", [4, 4], float32(16)), tensor("b", [4], float32(4))];

function summandOf(...nodes: ReturnType<typeof node>[]): string | undefined {
  const inputs = [valueInfo("x", "float32", ["n", 4])];
  const model = decodeModel(
    buildModel({ nodes, initializers, inputs, outputs: [valueInfo("y", "float32", ["n", 4])] }),
  );
  const weights = prunableWeights(model).filter((one): one is PrunableWeight => one.prunable);
  return residualSummands(model, weights).get("w");
}

const product = node("MatMul", ["x", "w"], ["p"]);

describe("residualSummands", () => {
  it("finds what is added to a product, directly or behind a bias", () => {
    expect(summandOf(product, node("Add", ["x", "p"], ["y"]))).toBe("x");
    expect(summandOf(product, node("Add", ["p", "b"], ["q"]), node("Add", ["q", "x"], ["y"]))).toBe("x");
  });

  it("finds nothing where the product goes elsewhere, too", () => {
    const elsewhere = [node("Relu", ["p"], ["r"]), node("Add", ["p", "x"], ["s"]), node("Mul", ["r", "s"], ["y"])];
    expect(summandOf(product, ...elsewhere)).toBeUndefined();
  });

  it("finds nothing behind an activation, behind two biases, or where only a bias is added", () => {
    expect(summandOf(product, node("Relu", ["p"], ["r"]), node("Add", ["r", "x"], ["y"]))).toBeUndefined();
    expect(summandOf(product, node("Add", ["p", "b"], ["y"]))).toBeUndefined();
    const biases = [node("Add", ["p", "b"], ["q"]), node("Add", ["q", "b"], ["r"])];
    expect(summandOf(product, ...biases, node("Add", ["r", "x"], ["y"]))).toBeUndefined();
  });

  it("finds nothing where the product is an output of the model", () => {
    const nodes = [node("MatMul", ["x", "w"], ["y"]), node("Add", ["y", "x"], ["z"])];
    expect(summandOf(...nodes)).toBeUndefined();
  });
});
