import { type LoweredForm, lowerBlocks } from "@espalier/export";
import { decodeModel, encodeModel } from "@espalier/onnx";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import fc from "fast-check";
import { describe, it } from "vitest";
import { blockMatrix, expectSameOutputs, floats } from "../../test-support/block-models.js";

const sizes = fc.record({
  inFeatures: fc.integer({ min: 1, max: 70 }),
  outChannels: fc.integer({ min: 1, max: 70 }),
  bk: fc.integer({ min: 1, max: 40 }),
  bn: fc.integer({ min: 1, max: 40 }),
  density: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer({ min: 1, max: 1000 }),
});

describe("lowerBlocks, any sizes", () => {
  it("computes the same whatever the sizes, even where the blocks it is told are not those of the weight", async () => {
    const property = fc.asyncProperty(
      sizes,
      fc.record({ bk: fc.integer({ min: 1, max: 80 }), bn: fc.integer({ min: 1, max: 80 }) }),
      fc.constantFrom<LoweredForm>("multi", "bmm"),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 2 }),
      async (cut, blocks, form, batch) => {
        const { inFeatures, outChannels } = cut;
        const dims = batch.map((_, at) => `size${at}`);
        const model = decodeModel(
          buildModel({
            nodes: [node("MatMul", ["x", "W"], ["y"])],
            initializers: [tensor("W", [inFeatures, outChannels], blockMatrix(cut))],
            inputs: [valueInfo("x", "float32", [...dims, inFeatures])],
            outputs: [valueInfo("y", "float32", [...dims, outChannels])],
          }),
        );
        const choose = ({ forms }: { forms: readonly LoweredForm[] }) => (forms.includes(form) ? form : forms[0]!);
        const small = decodeModel(encodeModel(lowerBlocks(model, { blocks, choose }).model));
        // f32 sums of at most 70 products in another order.
        const node0 = [{ backend: "node", optimization: "all" }] as const;
        await expectSameOutputs([model, small], { x: floats([...batch, inFeatures]) }, 1e-5, node0);
      },
    );
    await fc.assert(property, { seed: 7, numRuns: 60 });
  });
});
