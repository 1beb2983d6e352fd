import { balancedBlocks, computeMasks, l1, unstructured } from "@espalier/core";
import { applyMasks, blockLayers, type LowerOptions, lowerBlocks } from "@espalier/export";
import { decodeModel, encodeModel, type Model, prunableWeights } from "@espalier/onnx";
import {
  buildModel,
  buildSyntheticTransformer,
  graph,
  type ModelParts,
  node,
  tensor,
  valueInfo,
} from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import {
  type BlockMatrix,
  blockMatrix,
  expectSameOutputs,
  floats,
  transposed,
} from "../../test-support/block-models.js";

/** f32 sums of at most 128 products in another order, through several layers. */
const TOLERANCE = 1e-5;

const CUT: BlockMatrix = { inFeatures: 128, outChannels: 64, bk: 16, bn: 32, density: 0.5 };
const multi: LowerOptions = { blocks: { bk: 16, bn: 32 }, choose: (layer) => layer.forms[0]! };
const x = { x: floats([2, 3, 128]) };

const weight = (name: string, seed = 1) => tensor(name, [128, 64], blockMatrix({ ...CUT, seed }));

function model(parts: Omit<ModelParts, "inputs"> & Partial<Pick<ModelParts, "inputs">>): Model {
  const inputs = [valueInfo("x", "float32", ["batch", "seq", 128])];
  return decodeModel(buildModel({ inputs, ...parts }));
}

const output = (name: string, last = 64) => valueInfo(name, "float32", ["batch", "seq", last]);

const ops = ({ proto }: Model) => proto.graph!.node.map(({ opType }) => opType);
const count = (of: Model, type: string) => ops(of).filter((op) => op === type).length;
const initializers = ({ proto }: Model) => proto.graph!.initializer.map(({ name }) => name);

function pruned(bytes: Uint8Array, pattern = balancedBlocks(16, 32, 0.5)): Model {
  const dense = decodeModel(bytes);
  const weights = prunableWeights(dense).filter((one) => one.prunable);
  const criterion = l1();
  const masks = new Map([...computeMasks(weights, { criterion, pattern })].map(([name, { mask }]) => [name, mask]));
  return applyMasks(dense, weights, masks, { tool: "test 1.0", criterion, pattern });
}

describe("lowerBlocks", () => {
  it("takes the blocks from the pruning record and computes what the pruned transformer computes", async () => {
    const dense = pruned(buildSyntheticTransformer({ layers: 2, width: 64, ffn: 128, heads: 4, seq: 8 }));
    const feeds = { x: floats([3, 8, 64]) };
    for (const values of ["f32", "int8"] as const) {
      const { model: small, report } = lowerBlocks(dense, { values, choose: (layer) => layer.forms[0]! });
      expect(report).toHaveLength(8);
      expect(report.every(({ blocks, density }) => blocks?.bk === 16 && blocks.bn === 32 && density === 0.5)).toBe(
        true,
      );
      // Quantised to 8 bits it is near: some per cent.
      await expectSameOutputs([dense, decodeModel(encodeModel(small))], feeds, values === "f32" ? TOLERANCE : 0.1);
    }
  });

  it("halves the file at half the blocks", () => {
    const dense = pruned(buildSyntheticTransformer({ layers: 2, width: 256, ffn: 512, heads: 4, seq: 8 }));
    const { model: small, report } = lowerBlocks(dense, { choose: (layer) => layer.forms[0]! });
    const before = report.reduce((sum, { bytesBefore }) => sum + bytesBefore, 0);
    const after = report.reduce((sum, { bytesAfter }) => sum + bytesAfter, 0);
    expect(after).toBe(before / 2);
    const [large, little] = [encodeModel(dense).length, encodeModel(small).length];
    // The new nodes and their names: 144 block-columns of some 600 bytes.
    expect(large - little).toBeGreaterThan(before / 2 - 100_000);
  });

  it("gives back the model itself, with the reason, where nothing is recorded or given", () => {
    const plain = model({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [weight("W")],
      outputs: [output("y")],
    });
    const result = lowerBlocks(plain);
    expect(result.model).toBe(plain);
    expect(result.report).toMatchObject([{ name: "W", form: "dense", bytesBefore: 32768, bytesAfter: 32768 }]);
    expect(result.report[0]!.reason).toMatch(/not pruned in balanced blocks/);
  });

  it("forgets recorded blocks when the weight was pruned in another pattern since", () => {
    const bytes = buildSyntheticTransformer({ layers: 1, width: 64, ffn: 128, heads: 4, seq: 8 });
    const twice = pruned(encodeModel(pruned(bytes)), unstructured(0.7));
    expect(lowerBlocks(twice).report.every(({ blocks }) => blocks === undefined)).toBe(true);
  });

  it("keeps names of values, metadata and everything it has no business with", () => {
    const dense = model({
      nodes: [
        node("MatMul", ["x", "W"], ["h"], {}, { name: "first" }),
        node("Relu", ["h"], ["y"], {}, { name: "relu" }),
      ],
      initializers: [weight("W"), tensor("spare", [1], Float32Array.of(1))],
      outputs: [output("y"), output("h")],
      metadata: { author: "somebody" },
    });
    const { model: small } = lowerBlocks(dense, multi);
    const { graph: after, metadataProps } = decodeModel(encodeModel(small)).proto;
    expect(after!.node.at(-1)).toMatchObject({ opType: "Relu", name: "relu", input: ["h"], output: ["y"] });
    expect(after!.output.map(({ name }) => name)).toEqual(["y", "h"]);
    expect(initializers(small)).toContain("spare");
    expect(initializers(small)).not.toContain("W");
    expect(metadataProps).toMatchObject([{ key: "author", value: "somebody" }]);
  });

  it("gives new values names that the model does not have", () => {
    const dense = model({
      nodes: [node("MatMul", ["x", "W"], ["blocks/y"]), node("Identity", ["blocks/y"], ["y"])],
      initializers: [weight("W")],
      outputs: [output("y")],
    });
    const names = lowerBlocks(dense, multi).model.proto.graph!.node.flatMap((one) => one.output);
    expect(names.filter((name) => name.startsWith("blocks/"))).toEqual(["blocks/y"]);
    expect(new Set(names).size).toBe(names.length);
  });

  it("gathers, reshapes and quantises once what several weights read", async () => {
    const parts = {
      nodes: ["q", "k", "v"].map((name) => node("MatMul", ["x", `W${name}`], [name])),
      initializers: [weight("Wq", 1), weight("Wk", 1), weight("Wv", 2)],
      outputs: ["q", "k", "v"].map((name) => output(name)),
    };
    const dense = model(parts);
    const { model: floatModel } = lowerBlocks(dense, multi);
    // Wq and Wk keep the same blocks: two block-columns for them, two for Wv.
    expect(count(floatModel, "Gather")).toBe(4);
    expect(count(floatModel, "Shape")).toBe(1);
    await expectSameOutputs([dense, decodeModel(encodeModel(floatModel))], x, TOLERANCE);
    const { model: integerModel } = lowerBlocks(dense, { ...multi, values: "int8" });
    expect(count(integerModel, "DynamicQuantizeLinear")).toBe(1);
    expect(count(integerModel, "Gather")).toBe(4);
  });

  it("lowers a weight at all nodes that read it, with one packed copy", async () => {
    const dense = model({
      nodes: [node("MatMul", ["x", "W"], ["a"]), node("Neg", ["x"], ["n"]), node("MatMul", ["n", "W"], ["b"])],
      initializers: [weight("W")],
      outputs: [output("a"), output("b")],
    });
    const { model: small, report } = lowerBlocks(dense, multi);
    expect(report).toMatchObject([{ form: "multi", bytesAfter: 16384 }]);
    expect(encodeModel(small).length).toBeLessThan(32768);
    await expectSameOutputs([dense, decodeModel(encodeModel(small))], x, TOLERANCE);
  });

  it("drops the Transpose and the Constant that only brought the weight", async () => {
    const turned = tensor("", [64, 128], transposed(blockMatrix(CUT), 128));
    const dense = model({
      nodes: [
        node("Constant", [], ["C"], { value: turned }),
        node("Transpose", ["C"], ["W"], { perm: [1, 0] }),
        node("MatMul", ["x", "W"], ["y"]),
      ],
      outputs: [output("y")],
    });
    const { model: small } = lowerBlocks(dense, multi);
    expect(ops(small)).not.toContain("Constant");
    expect(ops(small)).not.toContain("Transpose");
    await expectSameOutputs([dense, decodeModel(encodeModel(small))], x, TOLERANCE);
  });

  it("keeps a bias that another node reads, and a weight of which something else needs to know", () => {
    const dense = model({
      nodes: [
        node("MatMul", ["x", "W"], ["h"]),
        node("Add", ["h", "B"], ["y"]),
        node("Neg", ["B"], ["b"]),
        node("Shape", ["V"], ["shape"]),
        node("MatMul", ["x", "V"], ["z"]),
      ],
      initializers: [weight("W"), tensor("B", [64], new Float32Array(64)), weight("V", 2)],
      outputs: [output("y"), output("z"), valueInfo("b", "float32", [64]), valueInfo("shape", "int64", [2])],
    });
    const { model: small, report } = lowerBlocks(dense, { ...multi, values: "int8" });
    expect(initializers(small).slice(0, 2)).toEqual(["B", "V"]);
    expect(report.map(({ form }) => form)).toEqual(["multi", "dense"]);
    expect(report[1]!.reason).toBe('2 nodes read it, and Shape "shape" is none of MatMul, Gemm and Conv');
  });

  it("runs in every opset from 11, with inputs that need padding, and refuses older ones", async () => {
    const cut = { ...CUT, inFeatures: 150 };
    const parts = {
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [tensor("W", [150, 64], blockMatrix(cut))],
      inputs: [valueInfo("x", "float32", ["batch", "seq", 150])],
      outputs: [output("y")],
    };
    for (const opset of [11, 13, 15, 19]) {
      const dense = model({ ...parts, opset });
      for (const values of ["f32", "int8"] as const) {
        const small = decodeModel(encodeModel(lowerBlocks(dense, { ...multi, values }).model));
        const tolerance = values === "f32" ? TOLERANCE : 0.05;
        await expectSameOutputs([dense, small], { x: floats([2, 3, 150]) }, tolerance);
      }
    }
    expect(lowerBlocks(model({ ...parts, opset: 10 }), multi).report[0]!.reason).toMatch(/opset 10/);
  });

  it("removes the input that declares a weight before IR version 4, and respects it from then on", () => {
    const parts = {
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [weight("W")],
      inputs: [valueInfo("x", "float32", ["batch", "seq", 128]), valueInfo("W", "float32", [128, 64])],
      outputs: [output("y")],
    };
    const old = lowerBlocks(model({ ...parts, irVersion: 3 }), multi);
    expect(old.model.proto.graph!.input.map(({ name }) => name)[0]).toBe("x");
    expect(initializers(old.model)).not.toContain("W");
    const overridable = lowerBlocks(model({ ...parts, irVersion: 8 }), multi);
    expect(overridable.report[0]).toMatchObject({ form: "dense" });
    expect(overridable.report[0]!.reason).toMatch(/callers may replace/);
  });

  it.each([
    ["a left operand", node("MatMul", ["W", "x"], ["y"]), /left operand/],
    ["a Cast before it", node("Identity", ["x"], ["y"]), /through Cast/],
  ])("leaves dense, with the reason: %s", (_, last, reason) => {
    const nodes =
      last.opType === "MatMul" ? [last] : [node("Cast", ["W"], ["C"], { to: 1 }), node("MatMul", ["x", "C"], ["y"])];
    const dense = decodeModel(
      buildModel({
        nodes,
        initializers: [weight("W")],
        inputs: [valueInfo("x", "float32", last.opType === "MatMul" ? [64, 5] : [5, 128])],
        outputs: [valueInfo("y", "float32", ["rows", "columns"])],
      }),
    );
    const result = lowerBlocks(dense, multi);
    expect(result.model).toBe(dense);
    expect(result.report[0]!.reason).toMatch(reason);
  });

  it("leaves a weight dense that is read inside a branch", () => {
    const branch = (factor: number) =>
      graph({
        nodes: [node("MatMul", ["x", "W"], [`p${factor}`])],
        outputs: [valueInfo(`p${factor}`, "float32", ["a", "b", 64])],
      });
    const dense = model({
      nodes: [node("If", ["flag"], ["y"], { then_branch: branch(1), else_branch: branch(2) })],
      initializers: [weight("W")],
      inputs: [valueInfo("x", "float32", ["batch", "seq", 128]), valueInfo("flag", "bool", [])],
      outputs: [output("y")],
    });
    expect(lowerBlocks(dense, multi).report[0]!.reason).toMatch(/only the main graph/);
  });

  it("refuses options that make no sense", () => {
    const dense = model({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [weight("W")],
      outputs: [output("y")],
    });
    const code = (options: LowerOptions) => {
      try {
        lowerBlocks(dense, options);
      } catch (error) {
        return (error as { code?: string }).code;
      }
      return undefined;
    };
    expect(code({ rows: 0 })).toBe("invalid-run");
    expect(code({ target: "gpu" as never })).toBe("invalid-run");
    expect(code({ blocks: { bk: 0, bn: 4 } })).toBe("invalid-pattern");
    expect(code({ ...multi, choose: () => "shared" })).toBe("invalid-run");
  });
});

describe("blockLayers", () => {
  it("describes what can be lowered, for callers that time it", () => {
    const dense = model({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [weight("W")],
      outputs: [output("y")],
    });
    expect(blockLayers(dense, { blocks: { bk: 16, bn: 32 }, rows: 6 })).toEqual([
      {
        weight: "W",
        blocks: { bk: 16, bn: 32 },
        op: "product",
        outChannels: 64,
        inFeatures: 128,
        positions: 1,
        unit: 16,
        width: 32,
        runs: 2,
        density: 0.5,
        rows: 6,
        target: "ort-node",
        values: "f32",
        forms: ["multi", "bmm"],
      },
    ]);
  });
});
