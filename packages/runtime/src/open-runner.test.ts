import { openRunner, type Tensor } from "@espalier/runtime";
import { buildModel, node, random, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

/** The product of two inputs. */
const openMatMul = buildModel({
  nodes: [node("MatMul", ["a", "b"], ["y"])],
  inputs: [valueInfo("a", "float32", ["M", "K"]), valueInfo("b", "float32", ["L", "N"])],
  outputs: [valueInfo("y", "float32", ["M", "N"])],
});

describe("openRunner", () => {
  it("uses onnxruntime-node by default in Node", async () => {
    const runner = await openRunner(openMatMul);
    expect(runner.backend).toBe("node");
    await runner.close();
  });

  it.each([
    [{ backend: "cuda" }, "backend: found cuda, expected node, web, browser."],
    [{ threads: 0 }, "threads: found 0, expected an integer of at least 1."],
    [{ threads: 1.5 }, "threads: found 1.5, expected an integer of at least 1."],
    [{ optimization: "max" }, "optimization: found max, expected disabled, basic, extended, all."],
  ])("refuses %j", async (options, message) => {
    await expect(openRunner(openMatMul, options as object)).rejects.toMatchObject({ code: "bad-option", message });
  });

  it("gives the same results on both backends up to rounding", async () => {
    const source = random(3);
    const a: Tensor = { dtype: "float32", dims: [8, 64], data: source.float32(512) };
    const b: Tensor = { dtype: "float32", dims: [64, 8], data: source.float32(512) };
    const [native, wasm] = await Promise.all(
      (["node", "web"] as const).map(async (backend) => {
        const runner = await openRunner(openMatMul, { backend });
        const { y } = await runner.run({ a, b });
        await runner.close();
        return y!.data as Float32Array;
      }),
    );
    // Sums of 64 products of normal numbers: rounding adds at most 64 · 2⁻²⁴ · Σ|a·b| < 64 · 6e-8 · 64 ≈ 2.4e-4.
    for (let i = 0; i < 64; i++) expect(Math.abs(native![i]! - wasm![i]!)).toBeLessThan(2.4e-4);
  });
});
