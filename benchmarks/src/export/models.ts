import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  encodeWeights,
  type LoweredValues,
  type LoweringTarget,
  lowerBlocks,
  type WeightChoice,
} from "@espalier/export";
import { encodeModel, type Model, prunableWeights } from "@espalier/onnx";
import { buildModel, buildSyntheticTransformer, node, random, tensor, valueInfo } from "@espalier/testkit";
import { balancedBlocks, l1, type Pattern, prune } from "espalier";

/** Square or not, `[inputs, outputs]`. */
export type MatrixSize = readonly [inputs: number, outputs: number];

/** Tokens that the transformer computes in one run. */
export const TOKENS = 128;
/** Four layers, 768 wide, 3072 in the feed-forward part: 113 MB. */
const TRANSFORMER = { layers: 4, width: 768, ffn: 3072, heads: 12, seq: TOKENS };

/** Products with constant matrices, one behind the other, a Tanh between them; input `x`, as many rows as one likes. */
export function matrices(sizes: readonly MatrixSize[]): Uint8Array {
  const { float32 } = random(3);
  const [first, last] = [sizes[0]!, sizes.at(-1)!];
  return buildModel({
    nodes: sizes.flatMap((_, index) => [
      node("MatMul", [index === 0 ? "x" : `active${index - 1}`, `weight${index}`], [`product${index}`]),
      node("Tanh", [`product${index}`], [`active${index}`]),
    ]),
    initializers: sizes.map((size, index) =>
      tensor(
        `weight${index}`,
        size,
        float32(size[0] * size[1]).map((value) => value / Math.sqrt(size[0])),
      ),
    ),
    inputs: [valueInfo("x", "float32", ["rows", first[0]])],
    outputs: [valueInfo(`active${sizes.length - 1}`, "float32", ["rows", last[1]])],
  });
}

/** The model pruned by magnitude. */
export async function pruned(model: Uint8Array, pattern: Pattern): Promise<Model> {
  return (await prune(model, { criterion: l1(), pattern })).model;
}

/** Every prunable weight stored in the same way. */
export function encoded(model: Model, choice: WeightChoice): Model {
  const names = prunableWeights(model).flatMap(({ name, prunable }) => (prunable ? [name] : []));
  return encodeWeights(model, new Map(names.map((name) => [name, choice])));
}

/** Where a model was written. */
export function written(folder: string, name: string, model: Model | Uint8Array): string {
  const path = join(folder, `${name.replaceAll(/[^\w-]/g, "_")}.onnx`);
  writeFileSync(path, model instanceof Uint8Array ? model : encodeModel(model));
  return path;
}

/** The dense transformer. */
export function transformer(): Uint8Array {
  return buildSyntheticTransformer(TRANSFORMER);
}

/** The transformer with the given share of its 32 × 256 blocks pruned, and computed from the others. */
export async function loweredTransformer(
  sparsity: number,
  target: LoweringTarget,
  values: LoweredValues,
): Promise<Model> {
  const model = await pruned(transformer(), balancedBlocks(32, 256, sparsity));
  return lowerBlocks(model, { target, values, rows: TOKENS }).model;
}
