import { type LoweredForm, type LowerOptions, lowerBlocks } from "@espalier/export";
import { decodeModel, encodeModel, type Model } from "@espalier/onnx";
import { type AttributeValue, buildModel, node, type TensorElements, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import {
  type BlockMatrix,
  blockMatrix,
  expectSameOutputs,
  floats,
  transposed,
} from "../../test-support/block-models.js";

/** f32 sums of at most 150 products in another order. */
const TOLERANCE = 1e-5;

const FORMS: readonly LoweredForm[] = ["multi", "bmm"];

/** K is no multiple of 16 · 3, N none of 32: 150 = 9 · 16 + 6, 80 = 2 · 32 + 16. */
const RAGGED: BlockMatrix = { inFeatures: 150, outChannels: 80, bk: 16, bn: 32, density: 0.5 };
const EVEN: BlockMatrix = { inFeatures: 128, outChannels: 96, bk: 16, bn: 32, density: 0.5 };

function matMul(cut: BlockMatrix, dims: readonly (number | string)[]): Model {
  return decodeModel(
    buildModel({
      nodes: [node("MatMul", ["x", "W"], ["y"])],
      initializers: [tensor("W", [cut.inFeatures, cut.outChannels], blockMatrix(cut))],
      inputs: [valueInfo("x", "float32", [...dims, cut.inFeatures])],
      outputs: [valueInfo("y", "float32", [...dims, cut.outChannels])],
    }),
  );
}

function gemm(
  cut: BlockMatrix,
  attributes: Readonly<Record<string, AttributeValue>>,
  addend?: { readonly dims: readonly number[]; readonly data: TensorElements },
): Model {
  const { inFeatures, outChannels } = cut;
  const [w, dims] = attributes.transB
    ? [transposed(blockMatrix(cut), inFeatures), [outChannels, inFeatures]]
    : [blockMatrix(cut), [inFeatures, outChannels]];
  return decodeModel(
    buildModel({
      nodes: [node("Gemm", addend ? ["x", "W", "C"] : ["x", "W"], ["y"], attributes)],
      initializers: [tensor("W", dims, w), ...(addend ? [tensor("C", addend.dims, addend.data)] : [])],
      inputs: [valueInfo("x", "float32", attributes.transA ? [inFeatures, "rows"] : ["rows", inFeatures])],
      outputs: [valueInfo("y", "float32", ["rows", outChannels])],
    }),
  );
}

function lowered(model: Model, form: LoweredForm, options: LowerOptions = {}): Model {
  const { model: result, report } = lowerBlocks(model, {
    blocks: { bk: 16, bn: 32 },
    choose: (layer) => (layer.forms.includes(form) ? form : "dense"),
    ...options,
  });
  expect(report.map((weight) => weight.form)).toEqual(report.map(() => form));
  return decodeModel(encodeModel(result));
}

describe("lowerBlocks, a MatMul", () => {
  for (const form of FORMS) {
    it.each([
      ["rank 2", ["rows"], [[1], [16], [128]]],
      [
        "rank 3, a free batch",
        ["batch", 16],
        [
          [1, 16],
          [8, 16],
        ],
      ],
      [
        "rank 3, all free",
        ["batch", "seq"],
        [
          [1, 1],
          [3, 7],
        ],
      ],
      [
        "rank 4",
        [2, "b", "c"],
        [
          [2, 1, 4],
          [2, 3, 5],
        ],
      ],
    ] as const)(`computes the same as ${form}: %s, even blocks and ragged ones`, async (_, dims, sizes) => {
      for (const cut of [EVEN, RAGGED]) {
        const model = matMul(cut, dims);
        const small = lowered(model, form);
        for (const size of sizes) {
          await expectSameOutputs([model, small], { x: floats([...size, cut.inFeatures]) }, TOLERANCE);
        }
      }
    });

    it(`takes an input of rank 1 and of no rows as ${form}`, async () => {
      const vector = matMul(RAGGED, []);
      await expectSameOutputs([vector, lowered(vector, form)], { x: floats([150]) }, TOLERANCE);
      const free = matMul(RAGGED, ["batch", 4]);
      await expectSameOutputs([free, lowered(free, form)], { x: floats([0, 4, 150]) }, TOLERANCE);
    });
  }

  it("gathers once where all block-columns keep the same, and where one covers all outputs", async () => {
    const wide = { ...RAGGED, bn: 80 };
    const model = matMul(wide, ["batch", "seq"]);
    for (const bn of [16, 32, 80]) {
      const small = lowered(model, "shared", { blocks: { bk: 16, bn } });
      expect(small.proto.graph!.node.filter(({ opType }) => opType === "MatMul")).toHaveLength(1);
      await expectSameOutputs([model, small], { x: floats([2, 3, 150]) }, TOLERANCE);
    }
  });

  it("finds blocks that are not balanced, empty block-columns and full ones", async () => {
    const values = blockMatrix(EVEN);
    for (let at = 0; at < values.length; at++) {
      const out = at % 96;
      if (out < 32) values[at] = 0;
      else if (out < 64) values[at] = 1 + (at % 7);
    }
    const bytes = encodeModel(matMul(EVEN, ["batch", "seq"]));
    const model = decodeModel(bytes);
    const w = model.proto.graph!.initializer[0]!;
    const filled = decodeModel(
      buildModel({
        nodes: model.proto.graph!.node,
        initializers: [tensor(w.name, [128, 96], values)],
        inputs: model.proto.graph!.input,
        outputs: model.proto.graph!.output,
      }),
    );
    for (const form of FORMS) {
      await expectSameOutputs([filled, lowered(filled, form)], { x: floats([2, 3, 128]) }, TOLERANCE);
    }
  });

  it("keeps the order of outputs: a weight of row and column numbers gives them back", async () => {
    const values = Float32Array.from({ length: 128 * 96 }, (_, at) => {
      const [input, out] = [Math.floor(at / 96), at % 96];
      return (Math.floor(input / 16) + Math.floor(out / 32)) % 2 === 0 ? 1000 * input + out : 0;
    });
    const parts = matMul(EVEN, ["batch", "seq"]).proto.graph!;
    const model = decodeModel(
      buildModel({
        nodes: parts.node,
        initializers: [tensor("W", [128, 96], values)],
        inputs: parts.input,
        outputs: parts.output,
      }),
    );
    const one = {
      dtype: "float32",
      dims: [1, 1, 128],
      data: new Float32Array(128).fill(0, 0).fill(1, 37, 38),
    } as const;
    // One product and zeros: exact.
    for (const form of FORMS) await expectSameOutputs([model, lowered(model, form)], { x: one }, 0);
  });
});

describe("lowerBlocks, a Gemm", () => {
  const bias = { dims: [80], data: floats([80], 3).data as Float32Array };
  for (const form of FORMS) {
    it.each([
      ["plain", {}],
      ["transB", { transB: 1 }],
      ["transA", { transA: 1 }],
      ["transA and transB", { transA: 1, transB: 1 }],
      ["alpha and beta", { transB: 1, alpha: 0.5, beta: -1.5 }],
      ["beta 0", { alpha: -2.25, beta: { float: 0 } }],
    ] as const)(`computes the same as ${form}: %s`, async (_, attributes) => {
      for (const addend of [
        undefined,
        bias,
        { dims: [1, 80], data: bias.data },
        { dims: [1], data: bias.data.slice(0, 1) },
      ]) {
        const model = gemm(RAGGED, attributes, addend);
        const small = lowered(model, form);
        const dims = "transA" in attributes ? [150, 5] : [5, 150];
        await expectSameOutputs([model, small], { x: floats(dims) }, TOLERANCE);
      }
    });
  }
});
