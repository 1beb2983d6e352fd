import { unstructured } from "@espalier/core";
import { encodeWeights } from "@espalier/export";
import { decodeModel, type Model, tensorBytes, walkTensors, withTensorData } from "@espalier/onnx";
import { buildModel, functionBody, graph, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { checksOf as judge, pruned as prunedAs, reread } from "../../test-support/judging.js";

/** Weights in the branches of an If and in a function, computed from constants there and in the graph around. */

const numbers = random(41);
const weight = (name: string) => tensor(name, [32, 24], numbers.float32(32 * 24));
const branch = () =>
  graph({
    nodes: [node("MatMul", ["x", "W"], ["inner"])],
    initializers: [weight("W")],
    outputs: [valueInfo("inner", "float32", ["n", 24])],
  });

const original = decodeModel(
  buildModel({
    nodes: [
      node("If", ["c"], ["h"], { then_branch: branch(), else_branch: branch() }, { name: "if" }),
      node("Layer", ["x"], ["g"], {}, { domain: "own", name: "layer" }),
      node("MatMul", ["x", "M"], ["m"]),
      node("Sum", ["h", "g", "m"], ["y"]),
    ],
    initializers: [weight("M")],
    inputs: [valueInfo("x", "float32", ["n", 32]), valueInfo("c", "bool", [])],
    outputs: [valueInfo("y", "float32", ["n", 24])],
    opsetImports: [{ domain: "own", version: 1 }],
    functions: [
      functionBody({
        name: "Layer",
        domain: "own",
        inputs: ["x"],
        outputs: ["y"],
        nodes: [node("Constant", [], ["F"], { value: weight("") }), node("MatMul", ["x", "F"], ["y"])],
      }),
    ],
  }),
);

const NAMES = ["M", "main/if/then_branch/W", "main/if/else_branch/W", "functions/own:Layer/F"];
const checksOf = (judged: Model) => judge(original, judged, { minSparsity: 0.5 });

describe("weights in subgraphs and functions", () => {
  const pruned = prunedAs(original, unstructured(0.5));
  const encoded = (encoding: string, values = "exact") =>
    reread(
      encodeWeights(
        pruned,
        // A function can hold neither a bitmask's declarations nor sparse tensors.
        new Map(NAMES.map((name) => [name, { encoding: name.startsWith("functions") ? "gap" : encoding, values }])),
      ),
    );

  it.each([
    ["bitmask", "exact"],
    ["gap", "exact"],
    ["coo", "exact"],
    ["bitmask", "int8"],
  ])("are read where they stand: %s, %s", async (encoding, values) => {
    const checks = await checksOf(encoded(encoding, values));
    const before = await checksOf(pruned);
    for (const check of ["pattern", "sparsity", "kept-weights", "rest-unchanged", "record", "idempotent", "loads"]) {
      expect([check, checks.get(check)]).toMatchObject([check, { status: "passed" }]);
    }
    if (values === "exact") expect(checks.get("kept-weights")).toEqual(before.get("kept-weights"));
    expect(checks.get("rest-unchanged")!.message).toContain("; 4 tensors read through decoders");
  });

  it("do not hide a number that moved", async () => {
    const model = encoded("bitmask");
    for (const name of NAMES.slice(1)) {
      const part = [...walkTensors(model.proto)].find(({ tensor: one, node: owner }) =>
        (one.name || owner?.output[0])?.endsWith(`weights/${name}/values`),
      );
      expect(part).toBeDefined();
      const { tensor: edited } = part!;
      const changed = (): Uint8Array => {
        const bytes = tensorBytes(model, edited);
        new Uint32Array(bytes.buffer)[3]! += 1;
        return bytes;
      };
      const checks = await checksOf(reread(withTensorData(model, new Map([[edited, changed]]))));
      expect([...checks.values()].filter(({ status }) => status === "failed")).toMatchObject([
        { name: "kept-weights", message: expect.stringContaining(`weight "${name}" [`) },
      ]);
    }
  });
});

describe("an initializer in a subgraph of a function", () => {
  const doubled = numbers.float32(32 * 24);
  const single = doubled.map((value) => value / 2);

  /** F is stored, or computed from D, which a product reads too. */
  function model(isStored: boolean): Model {
    const half = isStored ? [] : [tensor("half", [], Float32Array.of(0.5))];
    const body = () =>
      graph({
        nodes: [
          ...(isStored ? [] : [node("Mul", ["D", "half"], ["F"])]),
          node("MatMul", ["x", "F"], ["first"]),
          node("MatMul", ["x", "D"], ["second"]),
          node("Add", ["first", "second"], ["inner"]),
        ],
        initializers: [tensor("D", [32, 24], doubled), ...(isStored ? [tensor("F", [32, 24], single)] : half)],
        outputs: [valueInfo("inner", "float32", ["n", 24])],
      });
    const branches = node("If", ["c"], ["y"], { then_branch: body(), else_branch: body() });
    return decodeModel(
      buildModel({
        nodes: [node("Layer", ["x", "c"], ["y"], {}, { domain: "own" })],
        inputs: [valueInfo("x", "float32", ["n", 32]), valueInfo("c", "bool", [])],
        outputs: [valueInfo("y", "float32", ["n", 24])],
        opsetImports: [{ domain: "own", version: 1 }],
        functions: [
          functionBody({ name: "Layer", domain: "own", inputs: ["x", "c"], outputs: ["y"], nodes: [branches] }),
        ],
      }),
    );
  }

  it("stays where something else reads it besides a decoder", async () => {
    const checks = await judge(model(true), model(false));
    expect([...checks.values()].filter(({ status }) => status === "failed")).toEqual([]);
    expect(checks.get("rest-unchanged")!.message).toContain("; 2 tensors read through decoders");
  });
});
