import { appendToGraph, type Model, type PrunableWeight } from "@espalier/onnx";
import { node, tensor, valueInfo } from "@espalier/testkit";
import type { Instrument } from "../dist/collect/plan.js";
import type { Probe } from "../dist/probe.js";

export const instrumentMatMuls: Instrument = (model, { squares, grams }) => {
  let result: Model = appendToGraph(model, { initializers: [tensor("axis0", [1], BigInt64Array.of(0n)), tensor("zero", [], BigInt64Array.of(0n))] });
  const probes: Probe[] = [];
  const add = (kind: Probe["kind"], weight: PrunableWeight) => {
    const x = weight.consumers[0]!.proto.input[0]!;
    const p = `${kind}/${weight.name}`;
    const nodes = [node("Shape", [x], [`${p}/shape`]), node("Gather", [`${p}/shape`, "zero"], [`${p}/count`])];
    if (kind === "squares") nodes.push(node("Mul", [x, x], [`${p}/sq`]), node("ReduceSum", [`${p}/sq`, "axis0"], [`${p}/sum`], { keepdims: 0 }));
    else nodes.push(node("Gemm", [x, x], [`${p}/sum`], { transA: 1 }));
    result = appendToGraph(result, { nodes, outputs: [valueInfo(`${p}/sum`, "float32", kind === "squares" ? ["k"] : ["k", "k2"]), valueInfo(`${p}/count`, "int64", [])] });
    probes.push({ kind, weights: [{ name: weight.name, groups: weight.groups, inFeatures: weight.inFeatures }], sumOutput: `${p}/sum`, countOutput: `${p}/count` });
  };
  for (const w of squares) add("squares", w);
  for (const w of grams) add("gram", w);
  return { model: result, probes, skipped: [] };
};
