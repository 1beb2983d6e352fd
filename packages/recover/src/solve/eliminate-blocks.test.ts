import { random } from "@espalier/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { inputsOf, leastSquaresRow } from "../../test-support/solve-reference.js";
import { openMatrixProducts } from "../blas/matrix-products.js";
import { eliminateBlocks } from "./eliminate-blocks.js";
import type { FactoredGroup } from "./group-problem.js";
import { prepareGroup } from "./prepare-group.js";

const products = await openMatrixProducts();
afterAll(() => products.close());

const [OUTPUTS, FEATURES] = [6, 22];

async function prepared(): Promise<FactoredGroup> {
  const values = Float64Array.from(random(5).float32(OUTPUTS * FEATURES));
  const layout = {
    groups: 1,
    outputs: OUTPUTS,
    features: FEATURES,
    outOffsets: Uint32Array.from({ length: OUTPUTS }, (_, i) => i * FEATURES),
    featureOffsets: Uint32Array.from({ length: FEATURES }, (_, i) => i),
  };
  const task = {
    weight: "W",
    outChannels: OUTPUTS,
    inFeatures: FEATURES,
    groups: 1,
    axes: [],
    values,
    dense: values,
    fit: [inputsOf(6, FEATURES, 90).moments],
    pattern: { spec: "blocks:4x4", sparsity: 0.5 },
    method: "obs",
    intercept: false,
  } as const;
  return prepareGroup(task, layout, 0, products);
}

const blocksOf = (blocks: readonly number[]) =>
  blocks.flatMap((block) => Array.from({ length: 4 }, (_, i) => 4 * block + i).filter((feature) => feature < FEATURES));

/** Backward elimination that solves the least-squares problem anew for every block that could go. */
function greedily({ quadratic, damped, dense }: FactoredGroup, rows: readonly number[], remove: number) {
  const h = quadratic.gram.map((value, at) => (at % (FEATURES + 1) === 0 ? value + damped.ridge : value));
  const linear = rows.map((row) =>
    Array.from({ length: FEATURES }, (_, j) =>
      Array.from({ length: FEATURES }, (_, k) => dense[row * FEATURES + k]! * h[k * FEATURES + j]!).reduce(
        (a, b) => a + b,
      ),
    ),
  );
  const fit = (kept: readonly number[]) => linear.map((r) => leastSquaresRow(h, r, kept));
  const gain = (kept: readonly number[]) =>
    fit(kept).reduce((sum, row, r) => sum + row.reduce((all, w, i) => all + w * linear[r]![i]!, 0), 0);
  let kept = Array.from({ length: Math.ceil(FEATURES / 4) }, (_, block) => block);
  for (let step = 0; step < remove; step++) {
    const gains = kept.map((block) => gain(blocksOf(kept.filter((other) => other !== block))));
    kept = kept.filter((_, at) => at !== gains.indexOf(Math.max(...gains)));
  }
  return { kept: blocksOf(kept), values: fit(blocksOf(kept)) };
}

describe("eliminateBlocks", () => {
  it("removes what backward elimination with explicit least squares removes, and ends at its solution", async () => {
    const group = await prepared();
    const { pruned, values } = await eliminateBlocks(group, { inputs: 4, outputs: 4, sparsity: 0.5 }, products);
    // 22 inputs are 5 whole blocks and one of two; 6 outputs are one whole block-column and one of two.
    for (const rows of [
      [0, 1, 2, 3],
      [4, 5],
    ]) {
      const expected = greedily(group, rows, 3);
      for (const [at, row] of rows.entries()) {
        const flags = pruned.subarray(row * FEATURES, (row + 1) * FEATURES);
        expect([...flags.keys()].filter((i) => flags[i] === 0)).toEqual(expected.kept);
        const found = values.subarray(row * FEATURES, (row + 1) * FEATURES);
        // Both come from matrices whose condition number is below 1e4.
        expect(found.every((value, i) => Math.abs(value - expected.values[at]![i]!) < 1e-9)).toBe(true);
      }
    }
  });
});
