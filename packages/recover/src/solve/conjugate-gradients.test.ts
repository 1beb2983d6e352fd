import { random } from "@espalier/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { inputsOf } from "../../test-support/solve-reference.js";
import { openMatrixProducts } from "../blas/matrix-products.js";
import { conjugateGradients } from "./conjugate-gradients.js";
import { quadraticOf } from "./quadratic.js";
import { distinctSupports, solveExactly } from "./solve-exactly.js";

const products = await openMatrixProducts();
afterAll(() => products.close());

describe("conjugateGradients", () => {
  it("comes to the exact solution on a mask", async () => {
    const [outputs, features] = [24, 48];
    const dense = Float64Array.from(random(1).float32(outputs * features));
    const moments = inputsOf(2, features, 200).moments;
    const quadratic = await quadraticOf(moments, dense, { intercept: true, symmetric: true }, products);
    const keep = Uint8Array.from(random(3).float32(dense.length), (value) => (value > 0 ? 1 : 0));
    const ridge = 1;
    const exact = (await solveExactly(quadratic, ridge, distinctSupports(keep, features), products))!;
    const start = new Float64Array(dense.length);
    const stop = { progress: 0, maxIterations: 200 };
    const { values, iterations } = await conjugateGradients(quadratic, ridge, keep, start, stop, products);
    const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // The residual ends at 1e-5 of the linear term; the condition number of this matrix is below 1e3.
    expect(values.every((value, i) => Math.abs(value - exact[i]!) < 2e-3 * largest)).toBe(true);
    expect(values.every((value, i) => keep[i] === 1 || value === 0)).toBe(true);
    expect(iterations).toBeLessThan(100);
  });
});
