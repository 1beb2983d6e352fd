import type { Sample } from "@espalier/runtime";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";

/** Rows of the small model's lookup table, row-major `[3, 4]`. */
export const smallTable = (seed = 3): Float32Array => random(seed).float32(12);

/** `y = relu(x · first) · second` over `[batch, 2, 4]`, and a lookup of `table` rows by `id` that shifts `x`. */
export function smallModel({ seed = 3, batch = "n" as string | number } = {}): Uint8Array {
  const { float32 } = random(seed);
  const table = float32(12);
  return buildModel({
    nodes: [
      node("Gather", ["table", "id"], ["shift"]),
      node("Add", ["x", "shift"], ["shifted"]),
      node("MatMul", ["shifted", "first"], ["hidden"]),
      node("Relu", ["hidden"], ["active"]),
      node("MatMul", ["active", "second"], ["y"]),
    ],
    initializers: [
      tensor("table", [3, 4], table),
      tensor("first", [4, 6], float32(24)),
      tensor("second", [6, 5], float32(30)),
    ],
    inputs: [valueInfo("x", "float32", [batch, 2, 4]), valueInfo("id", "int64", [batch, 1])],
    outputs: [valueInfo("y", "float32", [batch, 2, 5])],
  });
}

/** Samples of the small model, two positions each. */
export function smallSamples(count: number, seed = 7): Sample[] {
  const { float32, int } = random(seed);
  return Array.from({ length: count }, () => ({
    x: { dtype: "float32", dims: [1, 2, 4], data: float32(8) },
    id: { dtype: "int64", dims: [1, 1], data: BigInt64Array.of(BigInt(int(3))) },
  }));
}
