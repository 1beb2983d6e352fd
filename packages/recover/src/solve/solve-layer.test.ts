import { type Axis, Mask, nnz, parsePattern, prunedCount } from "@espalier/core";
import { random } from "@espalier/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { inputsOf, leastSquaresRow, momentsOf, smallest, sparseGpt } from "../../test-support/solve-reference.js";
import { openMatrixProducts } from "../blas/matrix-products.js";
import type { LayerTask } from "./layer-task.js";
import { solveLayer } from "./solve-layer.js";

const products = await openMatrixProducts();
afterAll(() => products.close());

const axis = (role: Axis["role"], size: number, step = 1): Axis => ({ role, size, step });

/** A Gemm weight `[outputs, features]` in double precision, without an intercept and with hardly any damping. */
function taskOf(outputs: number, features: number, over: Partial<LayerTask> = {}): LayerTask {
  const values = Float64Array.from(random(7).float32(outputs * features));
  return {
    weight: "W",
    outChannels: outputs,
    inFeatures: features,
    groups: 1,
    axes: [axis("out", outputs), axis("in", features)],
    values,
    dense: values,
    fit: [inputsOf(1, features, 3 * features).moments],
    pattern: { spec: "unstructured", sparsity: 0.5, group: "row" },
    method: "obs",
    intercept: false,
    ...over,
  };
}

const rowsOf = (values: ArrayLike<number>, features: number) =>
  Array.from({ length: values.length / features }, (_, row) =>
    Array.from({ length: features }, (_, i) => values[row * features + i]!),
  );
const damped = (gram: Float64Array, fraction: number) => {
  const n = Math.sqrt(gram.length);
  const mean = Array.from({ length: n }, (_, i) => gram[i * n + i]!).reduce((a, b) => a + b) / n;
  return gram.map((value, at) => value + (at % (n + 1) === 0 ? fraction * mean : 0));
};
const close = (found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance = 1e-6) => {
  const largest = Math.max(...Array.from(wanted, Math.abs));
  expect(found.length).toBe(wanted.length);
  expect(Array.from(found).every((value, i) => Math.abs(value - wanted[i]!) <= tolerance * largest)).toBe(true);
};
const prunedOf = ({ length, bits }: { length: number; bits: Uint8Array }) =>
  Array.from({ length }, (_, i) => !Mask.adopt(length, bits).keeps(i));

describe("solveLayer", () => {
  it("prunes one of three inputs as worked by hand", async () => {
    // H = [[2, 1, 0], [1, 2, 0], [0, 0, 1.8]], w = [1.05, 2, 1]. What is right of a column makes up for it, so the costs are
    // w₀² / [H⁻¹]₀₀ = 1.1025 · 3/2 = 1.65, w₁² / (1/2) = 8, w₂² · 1.8 = 1.8: input 0 goes. (Magnitude would take input 2,
    // and so would w² · Hⱼⱼ: 2.2, 8, 1.8.) Then w₁ −= w₀ · [H⁻¹]₀₁ / [H⁻¹]₀₀ = 1.05 · (−1/2), so w₁ = 2.525; w₂ stays.
    const values = Float64Array.of(1.05, 2, 1);
    const zeros = new Float64Array(3);
    const gram = Float64Array.of(2, 1, 0, 1, 2, 0, 0, 0, 1.8);
    const fit = [{ count: 9, gram, sum: zeros, denseSum: zeros }];
    const pattern = { spec: "unstructured", sparsity: 0.33 };
    const given = taskOf(1, 3, { values, dense: values, fit, pattern, damping: 1e-9 });
    const { mask, values: found } = await solveLayer(given, products);
    expect(prunedOf(mask)).toEqual([true, false, false]);
    close(found, [0, 2.525, 1], 1e-8);
  });

  it("chooses in each row what SparseGPT with explicit inverses chooses, and fits the rest exactly", async () => {
    const task = taskOf(6, 24);
    const h = damped(task.fit[0]!.gram, 0.01);
    const weights = rowsOf(task.values, 24);
    const half = (costs: readonly (readonly number[])[]) =>
      costs.map((row) => {
        const gone = smallest(row, 12);
        return row.map((_, i) => gone.has(i));
      });
    const expected = sparseGpt(h, weights, 24, half);
    const { mask, values } = await solveLayer(task, products);
    expect(prunedOf(mask)).toEqual(expected.pruned.flat());
    const linear = weights.map((row) => row.map((_, j) => row.reduce((sum, w, k) => sum + w * h[k * 24 + j]!, 0)));
    const kept = expected.pruned.map((row) => [...row.keys()].filter((i) => !row[i]));
    close(
      values,
      kept.flatMap((indices, row) => leastSquaresRow(h, linear[row]!, indices)),
    );
  });

  it("chooses 2:4 as SparseGPT does, also behind the first block of 128 columns", async () => {
    const task = taskOf(3, 136, { pattern: { spec: "2:4", sparsity: 0.5 } });
    const h = damped(task.fit[0]!.gram, 0.01);
    const two = (costs: readonly (readonly number[])[]) =>
      costs.map((row) => {
        const gone = smallest(row, 2);
        return row.map((_, i) => gone.has(i));
      });
    const expected = sparseGpt(h, rowsOf(task.values, 136), 4, two);
    const { mask } = await solveLayer(task, products);
    expect(prunedOf(mask)).toEqual(expected.pruned.flat());
  });

  it("fits to the dense model's outputs with an intercept, as the normal equations say", async () => {
    const features = 12;
    const { moments } = inputsOf(3, features, 60, 0.4);
    const mask = Mask.from(Array.from({ length: 4 * features }, (_, i) => (i * 7) % 3 !== 0));
    const task = taskOf(4, features, { fit: [moments], mask, method: "least-squares", intercept: true, damping: 0.02 });
    const { gram, cross, sum, denseSum, count } = moments;
    const centre = (m: Float64Array, b: Float64Array) =>
      m.map((value, at) => value - (sum[Math.floor(at / features)]! * b[at % features]!) / count);
    const centred = centre(gram, sum);
    const h = damped(centred, 0.02);
    const c = centre(cross!, denseSum);
    const expected = rowsOf(task.dense, features).flatMap((row, o) => {
      const linear = row.map((w, i) =>
        row.reduce((total, v, j) => total + v * c[i * features + j]!, w * (h[0]! - centred[0]!)),
      );
      return leastSquaresRow(
        h,
        linear,
        [...row.keys()].filter((i) => mask.keeps(o * features + i)),
      );
    });
    const { values, biasChange, report } = await solveLayer(task, products);
    close(values, expected);
    const bias = rowsOf(task.dense, features).map(
      (row, o) =>
        row.reduce((total, w, i) => total + w * denseSum[i]! - expected[o * features + i]! * sum[i]!, 0) / count,
    );
    close(biasChange, bias);
    expect(report).toMatchObject({ solver: "cholesky", lambda: 0.02, warnings: [] });
  });

  it("removes exactly as many as the pattern says where nothing divides", async () => {
    for (const sparsity of [0.29, 0.5, 0.77]) {
      const layer = taskOf(5, 301, { pattern: { spec: "unstructured", sparsity, group: "layer" } });
      const { mask } = await solveLayer(layer, products);
      expect(mask.length - nnz(Mask.adopt(mask.length, mask.bits))).toBe(prunedCount(5 * 301, sparsity));
      const row = await solveLayer({ ...layer, pattern: { spec: "unstructured", sparsity, group: "row" } }, products);
      const counts = rowsOf(prunedOf(row.mask).map(Number), 301).map((flags) => flags.reduce((a, b) => a + b));
      expect(counts).toEqual(new Array(5).fill(prunedCount(301, sparsity)));
    }
  });

  it("leaves what was zero at zero, and lets it count", async () => {
    const dense = taskOf(6, 140).values;
    const values = dense.map((value, i) => (i % 5 === 0 ? 0 : value));
    const pattern = { spec: "unstructured", sparsity: 0.5, group: "layer" } as const;
    const found = await solveLayer(taskOf(6, 140, { values, dense, pattern }), products);
    const pruned = prunedOf(found.mask);
    expect(pruned.filter(Boolean)).toHaveLength(420);
    expect(pruned.every((gone, i) => gone || values[i] !== 0)).toBe(true);
    expect([...found.values.keys()].every((i) => !pruned[i] || Object.is(found.values[i], 0))).toBe(true);
  });

  it.each(["unstructured", "2:4", "blocks:4x8", "block:4x4", "rows", "columns"])(
    "%s: keeps to the pattern, and each method does better than the one before",
    async (spec) => {
      const { moments } = inputsOf(5, 32, 200, 0.3);
      const pattern = { spec, sparsity: 0.5 };
      const task = taskOf(16, 32, { fit: [moments], pattern, intercept: true, damping: 1e-6 });
      const { mask } = await solveLayer({ ...task, method: "none" }, products);
      const parsed = parsePattern(spec, spec === "2:4" ? undefined : 0.5);
      const view = { ...task, name: "W", read: () => task.values };
      expect(parsed.violation(view, Mask.adopt(mask.length, mask.bits), "mask")).toBeUndefined();
      const errors: number[] = [];
      for (const method of ["none", "bias", "obs", "least-squares"] as const) {
        const solution = await solveLayer({ ...task, mask, method }, products);
        expect(await solveLayer({ ...task, mask, method }, products)).toEqual(solution);
        errors.push(solution.report.errorAfter);
      }
      // Whole rows leave nothing to compensate with, so equal up to rounding is allowed.
      expect(errors.every((error, i) => i === 0 || error <= errors[i - 1]! + 1e-9)).toBe(true);
    },
  );

  it("solves every layout of a weight as the same matrices, each group on its own", async () => {
    const groups = 2;
    const [perGroup, channels, kernel] = [3, 4, 2];
    const features = channels * kernel;
    const plain = taskOf(groups * perGroup, features).values;
    const fit = [inputsOf(8, features, 40).moments, inputsOf(9, features, 40).moments];
    const pattern = { spec: "2:4" };
    const conv = [axis("out", 6), axis("in", channels, kernel), axis("kernel", kernel)];
    const transposed = [
      axis("out", groups, perGroup),
      axis("in", channels, kernel),
      axis("out", perGroup),
      axis("kernel", kernel),
    ];
    const given = { outChannels: 6, inFeatures: features, groups, fit, pattern };
    const expected = await solveLayer(
      taskOf(6, features, { ...given, values: plain, dense: plain, axes: conv }),
      products,
    );
    const indexIn = (o: number, c: number, k: number) =>
      ((Math.floor(o / perGroup) * channels + c) * perGroup + (o % perGroup)) * kernel + k;
    const each = <T>(visit: (o: number, c: number, k: number) => T) =>
      Array.from({ length: 6 * features }, (_, i) =>
        visit(Math.floor(i / features), Math.floor((i % features) / kernel), i % kernel),
      );
    const values = new Float64Array(plain.length);
    each((o, c, k) => {
      values[indexIn(o, c, k)] = plain[o * features + c * kernel + k]!;
    });
    const found = await solveLayer(
      taskOf(6, features, { ...given, values, dense: values, axes: transposed }),
      products,
    );
    expect(each((o, c, k) => found.values[indexIn(o, c, k)])).toEqual([...expected.values]);
    for (let group = 0; group < groups; group++) {
      const part = plain.slice(group * perGroup * features, (group + 1) * perGroup * features);
      const axes = [axis("out", perGroup), axis("in", channels, kernel), axis("kernel", kernel)];
      const alone = taskOf(perGroup, features, { values: part, dense: part, fit: [fit[group]!], pattern, axes });
      const { values: own } = await solveLayer(alone, products);
      expect([...own]).toEqual([...expected.values.slice(group * part.length, (group + 1) * part.length)]);
    }
  });

  it("says how little is known where there are fewer positions than inputs, and gives finite weights", async () => {
    const { values, report } = await solveLayer(taskOf(4, 20, { fit: [inputsOf(2, 20, 5).moments] }), products);
    expect(report.warnings[0]).toMatch(/^5 positions for 20 inputs/);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it("raises the damping where the moments have no inverse, and says so", async () => {
    const fit = [inputsOf(2, 20, 5).moments];
    const { report } = await solveLayer(taskOf(4, 20, { fit, damping: 1e-18 }), products);
    expect(report.damping).toBeGreaterThan(1e-18);
    expect(report.warnings[1]).toMatch(/was not enough/);
  });

  it("takes inputs that are constant but for rounding as what they are: the bias makes up for them", async () => {
    // 9 inputs of 3 in 4000 rows, about their mean nothing; sums in float32 leave some 1e-7 of 36,000, of either sign.
    const noise = random(5);
    const count = 4000;
    const gram = Float64Array.from({ length: 81 }, () => 9 * count * (1 + 4e-7 * (noise.next() - 0.5)));
    for (let row = 0; row < 9; row++) for (let i = 0; i < row; i++) gram[row * 9 + i] = gram[i * 9 + row]!;
    const sum = new Float64Array(9).fill(3 * count);
    const task = taskOf(2, 9, { fit: [{ count, gram, sum, denseSum: sum }], intercept: true });
    const { values, mask, report } = await solveLayer(task, products);
    expect(report.deadInputs).toBe(9);
    const pruned = prunedOf(mask);
    close(
      values,
      Array.from(task.values, (value, at) => (pruned[at] ? 0 : value)),
      1e-12,
    );
  });

  it("solves also where more than that is rounding, and says how much it had to add", async () => {
    // Variances of 2e-6 among covariances of up to 4e-5: no ten times their mean makes that positive.
    const noise = random(5);
    const count = 4000;
    const gram = Float64Array.from({ length: 81 }, (_, at) => {
      return 9 * count * (1 + (at % 10 === 0 ? 2e-6 : 8e-5 * (noise.next() - 0.5)));
    });
    for (let row = 0; row < 9; row++) for (let i = 0; i < row; i++) gram[row * 9 + i] = gram[i * 9 + row]!;
    const sum = new Float64Array(9).fill(3 * count);
    const { values, report } = await solveLayer(
      taskOf(2, 9, { fit: [{ count, gram, sum, denseSum: sum }], intercept: true }),
      products,
    );
    expect(report.deadInputs).toBe(0);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(report.warnings.join()).toMatch(/was not enough/);
  });

  it("keeps dense weights of dead inputs that stay, and counts them", async () => {
    const { x } = inputsOf(4, 8, 30);
    const fit = [momentsOf(x.map((row) => row.map((value, i) => (i === 2 ? 0 : value))))];
    const { report, values } = await solveLayer(taskOf(3, 8, { fit }), products);
    expect(report.deadInputs).toBe(1);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it("names the weight when a moment is no number", async () => {
    const { moments } = inputsOf(2, 6, 20);
    const fit = [{ ...moments, gram: moments.gram.map((value, i) => (i === 3 ? Number.NaN : value)) }];
    await expect(solveLayer(taskOf(2, 6, { fit }), products)).rejects.toMatchObject({
      code: "not-finite",
      context: { weight: "W", index: 3 },
    });
  });

  it("refuses a mask that breaks the pattern, and a pattern that the weight cannot take", async () => {
    const pattern = { spec: "2:4" };
    await expect(solveLayer(taskOf(2, 8, { pattern, mask: Mask.keepAll(16) }), products)).rejects.toMatchObject({
      code: "mask-misfit",
    });
    await expect(solveLayer(taskOf(2, 6, { pattern }), products)).rejects.toMatchObject({ code: "unsupported" });
  });
});
