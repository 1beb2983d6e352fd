import type { WeightView } from "@espalier/core";
import { type Model, tensorBytes, type Weight } from "@espalier/onnx";

/** Where an operator that multiplies integers reads its weight and the weight's zero point, and which axis the outputs lie along. */
interface IntegerProduct {
  readonly weight: number;
  readonly zeroPoint: number;
  /** Of the weight: the last axis of a matrix `[K, N]`, the first of a convolution's `[O, C, …]`. */
  readonly outputs: "first" | "last";
}

/** What quantisers write besides the QDQ form. @see ONNX operators MatMulInteger, ConvInteger, QLinearMatMul, QLinearConv */
const PRODUCTS: ReadonlyMap<string, IntegerProduct> = new Map([
  ["MatMulInteger", { weight: 1, zeroPoint: 3, outputs: "last" }],
  ["ConvInteger", { weight: 1, zeroPoint: 3, outputs: "first" }],
  ["QLinearMatMul", { weight: 3, zeroPoint: 5, outputs: "last" }],
  ["QLinearConv", { weight: 3, zeroPoint: 5, outputs: "first" }],
]);

/**
 * The constant weights of operators that multiply integers, as matrices of `stored − zero point`: their scale stands elsewhere, so
 * the values are not those of the float model, but zeros are zeros.
 *
 * @param constants of the model, as `prunableWeights` lists them
 */
export function integerMatrices(model: Model, constants: readonly Weight[]): WeightView[] {
  const byName = new Map(constants.map((weight) => [weight.name, weight]));
  return constants.flatMap((weight) => {
    const [consumer] = weight.consumers;
    const product = consumer && PRODUCTS.get(consumer.op);
    if (product === undefined || consumer?.input !== product.weight || !isMatrix(weight, product)) return [];
    return [matrixOf(model, weight, product, byName.get(consumer.proto.input[product.zeroPoint] ?? ""))];
  });
}

function isMatrix({ dtype, shape }: Weight, { outputs }: IntegerProduct): boolean {
  const { length: rank } = shape;
  return (dtype === "int8" || dtype === "uint8") && (outputs === "last" ? rank === 2 : rank > 2);
}

function matrixOf(
  model: Model,
  weight: Weight,
  { outputs }: IntegerProduct,
  zeroPoint: Weight | undefined,
): WeightView {
  const { name, shape } = weight;
  const outChannels = outputs === "first" ? shape[0]! : shape.at(-1)!;
  const inFeatures = shape.reduce((all, size) => all * size, 1) / outChannels;
  const out = { role: "out", size: outChannels, step: 1 } as const;
  const inside = { role: "in", size: inFeatures, step: 1 } as const;
  return {
    name,
    outChannels,
    inFeatures,
    groups: 1,
    axes: outputs === "first" ? [out, inside] : [inside, out],
    read: () => {
      const stored = Float32Array.from(integers(model, weight));
      if (zeroPoint === undefined) return stored;
      const zeros = integers(model, zeroPoint);
      const outOf = (index: number) => (outputs === "first" ? Math.floor(index / inFeatures) : index % outChannels);
      return stored.map((value, index) => value - (zeros.length === 1 ? zeros[0]! : zeros[outOf(index)]!));
    },
  };
}

function integers(model: Model, { tensor, dtype }: Weight): Int8Array | Uint8Array {
  const bytes = tensorBytes(model, tensor);
  return dtype === "int8" ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
}
