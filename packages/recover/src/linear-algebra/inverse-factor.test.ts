import { afterAll, describe, expect, it } from "vitest";
import { inputsOf, inverse } from "../../test-support/solve-reference.js";
import { openMatrixProducts } from "../blas/matrix-products.js";
import { inverseFactor } from "./inverse-factor.js";

const products = await openMatrixProducts();
afterAll(() => products.close());

describe("inverseFactor", () => {
  it("finds U of a matrix worked by hand", async () => {
    // H = [[2, 1], [1, 2]]: H⁻¹ = [[2, −1], [−1, 2]] / 3 = Uᵀ U with U₀₀² = 2/3, U₀₁ = −1/3 / U₀₀, U₁₁² = 1/2.
    const factor = await inverseFactor(Float64Array.of(2, 1, 1, 2), 2, products);
    const expected = [Math.sqrt(2 / 3), -1 / 3 / Math.sqrt(2 / 3), 0, Math.sqrt(1 / 2)];
    expect([...factor!].map((value, i) => Math.abs(value - expected[i]!) < 1e-15)).toEqual([true, true, true, true]);
  });

  // 64 is the largest matrix that is not split; 65 leaves a part of one row.
  it.each([1, 5, 64, 65, 100, 150])("gives the inverse of a matrix of %i rows", async (size) => {
    const { gram } = inputsOf(size, size, 2 * size + 3).moments;
    const factor = (await inverseFactor(gram, size, products))!;
    const found = await products.multiply(factor, factor, { m: size, n: size, k: size, transA: true });
    const wanted = inverse(gram);
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // Condition numbers here are below 1e5, so 1e-16 grows to at most 1e-11.
    expect(found.every((value, i) => Math.abs(value - wanted[i]!) <= 1e-10 * largest)).toBe(true);
    expect(factor.every((value, i) => Math.floor(i / size) <= i % size || value === 0)).toBe(true);
  });

  it("says that a matrix without an inverse has none", async () => {
    expect(await inverseFactor(Float64Array.of(1, 1, 1, 1), 2, products)).toBeUndefined();
    expect(await inverseFactor(Float64Array.of(1, 2, 2, 1), 2, products)).toBeUndefined();
    expect(await inverseFactor(new Float64Array(4), 2, products)).toBeUndefined();
    expect(await inverseFactor(Float64Array.of(Number.NaN, 0, 0, 1), 2, products)).toBeUndefined();
  });
});
