import { decodeModel, tensorByteLength } from "@espalier/onnx";
import { buildModel, graph, node, random, tensor, valueInfo } from "@espalier/testkit";
import { type ExportOptions, exportModel, l1, nm, type Pattern, parsePattern, prune, unstructured } from "espalier";
import { describe, expect, it } from "vitest";
import { storedParts } from "./stored-parts.js";

/** Weights whose names begin with one another, one of them in a Constant node; and a bias that is called like a part. */
function model(): Uint8Array {
  const { float32 } = random(1);
  const named = (name: string) => node("Constant", [], [name], { value: tensor("", [512, 256], float32(512 * 256)) });
  return buildModel({
    nodes: [
      named("w/b"),
      node("MatMul", ["x", "w"], ["h"]),
      node("Add", ["h", "blocks/w/bias"], ["a"]),
      node("MatMul", ["a", "w/b"], ["y"]),
    ],
    initializers: [tensor("w", [256, 512], float32(256 * 512)), tensor("blocks/w/bias", [512], float32(512))],
    inputs: [valueInfo("x", "float32", [64, 256])],
    outputs: [valueInfo("y", "float32", [64, 256])],
  });
}

describe("storedParts", () => {
  it.each<[string, Pattern, ExportOptions]>([
    ["bitmask", unstructured(0.5), { format: "bitmask" }],
    ["bitmask of int8", unstructured(0.5), { format: "bitmask", values: "int8" }],
    ["gap", unstructured(0.8), { format: "gap" }],
    ["nm", nm(2, 4), { format: "nm" }],
    ["coo", unstructured(0.8), { format: "coo" }],
    ["dense f16", unstructured(0.5), { format: "dense", values: "f16" }],
    ["dense", unstructured(0.5), { target: "tensorrt" }],
    ["blocks", parsePattern("blocks:32x256", 0.75), { format: "blocks" }],
  ])("%s: finds the tensors that the exporter counted", async (_, pattern, options) => {
    const given = await prune(model(), { criterion: l1(), pattern });
    const exported = await exportModel(given.model, options);
    const written = decodeModel(exported.toBytes());
    const parts = storedParts(given.model, written, ["w", "w/b"]);
    const bytes = new Map([...parts].map(([name, found]) => [name, found.map(tensorByteLength)]));
    for (const { name, bytesAfter } of exported.report.weights) {
      expect([name, bytes.get(name)!.reduce((sum, length) => sum + length, 0)]).toEqual([name, bytesAfter]);
    }
  });

  it.each<ExportOptions>([{ format: "gap" }, { format: "coo" }, { format: "dense", values: "f16" }])(
    "%j: finds those of weights in branches",
    async (options) => {
      const branch = (values: Float32Array<ArrayBuffer>) =>
        graph({
          nodes: [node("MatMul", ["x", "w"], ["product"])],
          initializers: [tensor("w", [256, 64], values)],
          outputs: [valueInfo("product", "float32", [4, 64])],
        });
      const { float32 } = random(2);
      const attributes = { then_branch: branch(float32(256 * 64)), else_branch: branch(float32(256 * 64)) };
      const bytes = buildModel({
        nodes: [node("If", ["c"], ["y"], attributes)],
        inputs: [valueInfo("x", "float32", [4, 256]), valueInfo("c", "bool", [])],
        outputs: [valueInfo("y", "float32", [4, 64])],
      });
      const given = await prune(bytes, { criterion: l1(), pattern: unstructured(0.8) });
      const { report, toBytes } = await exportModel(given.model, options);
      expect(report.check).toMatchObject({ weights: 2, notes: [] });
      const parts = storedParts(given.model, decodeModel(toBytes()), [
        "main/If/then_branch/w",
        "main/If/else_branch/w",
      ]);
      const sizes = [...parts.values()].map((found) => found.map(tensorByteLength).reduce((sum, one) => sum + one, 0));
      expect(sizes).toEqual(report.weights.map(({ bytesAfter }) => bytesAfter));
    },
  );

  it("finds none of a weight that is gone", () => {
    const given = decodeModel(model());
    expect(storedParts(given, given, ["removed"]).get("removed")).toEqual([]);
  });
});
