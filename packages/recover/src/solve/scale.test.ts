import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MatrixProducts, openMatrixProducts } from "../blas/matrix-products.js";
import type { Moments } from "../moments.js";
import type { LayerTask } from "./layer-task.js";
import { solveLayer } from "./solve-layer.js";

let products: MatrixProducts;
beforeAll(async () => {
  products = await openMatrixProducts();
});
afterAll(() => products.close());

/** One output of two inputs, the second pruned. */
function task(fit: Moments, method: LayerTask["method"]): LayerTask {
  return {
    ...{ weight: "w", outChannels: 1, inFeatures: 2, groups: 1, method, fit: [fit], intercept: true },
    axes: [
      { role: "out", size: 1, step: 1 },
      { role: "in", size: 2, step: 1 },
    ],
    values: Float32Array.of(1, 1),
    dense: Float32Array.of(1, 1),
    mask: { length: 2, bits: Uint8Array.of(1) },
    pattern: { spec: "unstructured", sparsity: 0.5 },
  };
}

/** 4 positions of means 1 and 2, variances 1 and 3, and no covariance: Σ x² = 4 · (1 + 1), 4 · (3 + 4), Σ x y = 4 · 1 · 2. */
const means: Moments = {
  count: 4,
  gram: Float64Array.of(8, 8, 8, 28),
  sum: Float64Array.of(4, 8),
  denseSum: Float64Array.of(4, 8),
};

describe("solveLayer", () => {
  it("corrects the mean with bias: dense it is 1 + 2, without the second input 1", async () => {
    const { values, biasChange } = await solveLayer(task(means, "bias"), products);
    expect([...values]).toEqual([1, 0]);
    expect([...biasChange]).toEqual([2]);
  });

  it("corrects the standard deviation with scale: dense √(1 + 3) = 2, without the second input 1", async () => {
    const { values, biasChange } = await solveLayer(task(means, "scale"), products);
    expect(values[0]).toBeCloseTo(2, 6);
    expect(values[1]).toBe(0);
    // 3 − 2 · 1, the mean of what is left now.
    expect(biasChange[0]).toBeCloseTo(1, 6);
  });

  it("makes up for drift: what is added behind the layer is 5 less on average in the pruned model", async () => {
    const drift = { cross: Float64Array.of(20, 40), sum: Float64Array.of(20) };
    const moments = { ...means, cross: means.gram, drift };
    const { values, biasChange } = await solveLayer(task(moments, "least-squares"), products);
    // δ is constant, so only the bias has to take it up: 2 for the lost mean, 5 for the drift.
    expect(values[0]).toBeCloseTo(1, 6);
    expect(biasChange[0]).toBeCloseTo(7, 6);
  });
});
