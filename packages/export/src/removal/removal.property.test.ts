import { removeZeroChannels } from "@espalier/export";
import { decodeModel, encodeModel } from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectSameOutputs, floats } from "../../test-support/block-models.js";

const ACTIVATIONS = ["Relu", "Sigmoid", "Tanh", "HardSwish", "Softplus", "Identity"];

/** `[rows, columns]` in which every row and every column is zero with the given chance. */
function matrix(rows: number, columns: number, zeros: number, seed: number): Float32Array<ArrayBuffer> {
  const stream = random(seed);
  const [noRow, noColumn] = [rows, columns].map((count) => Array.from({ length: count }, () => stream.next() < zeros));
  const values = stream.float32(rows * columns);
  return values.map((value, at) => (noRow![Math.floor(at / columns)] || noColumn![at % columns] ? 0 : value)) as never;
}

describe("removeZeroChannels, any chain of layers", () => {
  it("computes the same, and a second run finds nothing more to remove", async () => {
    const layer = fc.record({
      width: fc.integer({ min: 1, max: 9 }),
      zeros: fc.double({ min: 0, max: 0.7, noNaN: true }),
      bias: fc.boolean(),
      residual: fc.boolean(),
      activation: fc.constantFrom(...ACTIVATIONS),
    });
    const property = fc.asyncProperty(
      fc.array(layer, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 999 }),
      async (layers, seed) => {
        let [value, width] = ["x", 4];
        const nodes = [];
        const initializers = [];
        for (const [at, one] of layers.entries()) {
          const inputs = one.bias ? [value, `W${at}`, `B${at}`] : [value, `W${at}`];
          initializers.push(tensor(`W${at}`, [width, one.width], matrix(width, one.width, one.zeros, seed + at)));
          if (one.bias) initializers.push(tensor(`B${at}`, [one.width], random(seed - at).float32(one.width)));
          nodes.push(node("Gemm", inputs, [`p${at}`]), node(one.activation, [`p${at}`], [`a${at}`]));
          const joins = one.residual && one.width === width;
          if (joins) nodes.push(node("Add", [`a${at}`, value], [`r${at}`]));
          [value, width] = [joins ? `r${at}` : `a${at}`, one.width];
        }
        initializers.push(tensor("last", [width, 2], matrix(width, 2, 0.3, seed + 50)));
        nodes.push(node("MatMul", [value, "last"], ["y"]));
        const model = decodeModel(
          buildModel({
            nodes,
            initializers,
            inputs: [valueInfo("x", "float32", ["rows", 4])],
            outputs: [valueInfo("y", "float32", ["rows", 2])],
          }),
        );
        const small = decodeModel(encodeModel(removeZeroChannels(model).model));
        expect(removeZeroChannels(small).model).toBe(small);
        // Six layers of sums of at most 9 products.
        await expectSameOutputs([model, small], { x: floats([3, 4]) }, 1e-5, [
          { backend: "node", optimization: "all" },
        ]);
      },
    );
    await fc.assert(property, { seed: 3, numRuns: 80 });
  });
});
