import { decodeModel, prunableWeights } from "@espalier/onnx";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, test } from "vitest";
import { EspalierError } from "./errors.js";
import { selectWeights } from "./select-weights.js";

const square = (name: string) => tensor(name, [4, 4], new Float32Array(16).fill(1));
const weights = prunableWeights(
  decodeModel(
    buildModel({
      nodes: [
        node("MatMul", ["x", "encoder/0/weight"], ["a"], {}, { name: "/encoder/0/MatMul" }),
        node("MatMul", ["a", "encoder/1/weight"], ["b"], {}, { name: "/encoder/1/MatMul" }),
        node("Add", ["b", "bias"], ["c"], {}, { name: "/Add" }),
        node("MatMul", ["c", "head[0]"], ["y"], {}, { name: "/head/MatMul" }),
      ],
      initializers: [
        square("encoder/0/weight"),
        square("encoder/1/weight"),
        tensor("bias", [4], new Float32Array(4)),
        square("head[0]"),
      ],
      inputs: [valueInfo("x", "float32", ["n", 4])],
      outputs: [valueInfo("y", "float32", ["n", 4])],
    }),
  ),
);
const names = (selection: Parameters<typeof selectWeights>[1]) =>
  selectWeights(weights, selection).map(({ name }) => name);

describe("selectWeights", () => {
  test("takes every prunable weight and no bias by default", () => {
    expect(names({})).toEqual(["encoder/0/weight", "encoder/1/weight", "head[0]"]);
  });

  test("a single star stops at a slash, two do not", () => {
    expect(() => names({ include: ["encoder*"] })).toThrow(/matches none/);
    expect(names({ include: ["encoder/*/weight"] })).toEqual(["encoder/0/weight", "encoder/1/weight"]);
    expect(names({ include: ["encoder/**"] })).toEqual(["encoder/0/weight", "encoder/1/weight"]);
  });

  test("names of consuming nodes match too", () => {
    expect(names({ exclude: ["/encoder/0/*", "/head/*"] })).toEqual(["encoder/1/weight"]);
  });

  test("a name with characters of globs matches itself", () => {
    expect(names({ include: ["head[0]"] })).toEqual(["head[0]"]);
  });

  test("exclude wins over include", () => {
    expect(names({ include: ["encoder/**"], exclude: ["encoder/1/weight"] })).toEqual(["encoder/0/weight"]);
  });

  test("an include that names only a bias says why it cannot be pruned", () => {
    expect(() => names({ include: ["bias"] })).toThrow(/bias cannot be pruned: .*Add/);
  });

  test("an exclude that matches nothing is refused, for it is a typing error", () => {
    expect(() => names({ exclude: ["decoder/**"] })).toThrow(EspalierError);
  });
});
