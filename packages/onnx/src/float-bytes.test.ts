import { decodeModel, floatBytes, OnnxError, tensorValues } from "@espalier/onnx";
import { buildModel, node, type TensorElements, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

function modelWith(elements: TensorElements, count: number) {
  return decodeModel(
    buildModel({
      nodes: [node("Identity", ["x"], ["y"])],
      initializers: [tensor("t", [count], elements)],
      inputs: [valueInfo("x", "float32", [1])],
      outputs: [valueInfo("y", "float32", [1])],
    }),
  );
}
const named = (model: ReturnType<typeof modelWith>) => model.proto.graph!.initializer[0]!;
const halves = (bits: readonly number[]) => ({ dtype: "float16" as const, bits: Uint16Array.from(bits) });

describe("floatBytes", () => {
  it("keeps float32 bit for bit", () => {
    const values = Float32Array.of(1.5, -0, 1e-40, 3e38);
    const target = named(modelWith(values, 4));
    expect(floatBytes(target, values)).toEqual(new Uint8Array(values.buffer));
  });

  it("rounds float16 to the nearest, ties to even, subnormals and overflow included", () => {
    const model = modelWith(halves([0, 0, 0, 0, 0, 0, 0]), 7);
    // 1 + 2⁻¹¹ lies between 1 and 1 + 2⁻¹⁰: even is 1. 1 + 3·2⁻¹¹ goes up. 2⁻²⁵ is half the smallest: to 0.
    const bytes = floatBytes(named(model), [1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -24, 2 ** -25, 65519, 65520]);
    expect([...new Uint16Array(bytes.buffer)]).toEqual([0x3c00, 0x3c00, 0x3c02, 1, 0, 0x7bff, 0x7c00]);
  });

  it("gives back every float16 number that tensorValues reads", () => {
    const bits = Array.from({ length: 0x7c00 }, (_, index) => index);
    const model = modelWith(halves(bits), bits.length);
    const values = tensorValues(model, named(model));
    expect(new Uint16Array(floatBytes(named(model), values).buffer)).toEqual(Uint16Array.from(bits));
  });

  it("refuses integers", () => {
    expect(() => floatBytes(named(modelWith(BigInt64Array.of(1n), 1)), [1])).toThrow(OnnxError);
  });
});
