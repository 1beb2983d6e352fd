import { collectInThisThread } from "@espalier/calibrate";
import { describe, expect, it } from "vitest";
import { rejection } from "../../test/failure.js";
import { model, run, samples } from "../../test/small-runs.js";

describe("collectInThisThread", () => {
  it("gives the statistics of collectStatistics, bit for bit, without workers", async () => {
    const { statistics, grams } = await run({ gram: true });
    expect(await collectInThisThread(model, samples, { shardSize: 4, gram: true })).toEqual({
      ...{ statistics, grams, skipped: [], withoutGram: [] },
      samples: 22,
    });
  });

  it("runs in onnxruntime-web, to nearly the same numbers", async () => {
    const { statistics } = await collectInThisThread(model, samples, { backend: "web" });
    const native = (await run()).statistics.get("second")!;
    // Another order of float32 additions in the products: a few units of 2⁻²⁴.
    for (const [index, sum] of statistics.get("second")!.sumOfSquares.entries()) {
      expect(Math.abs(sum / native.sumOfSquares[index]! - 1)).toBeLessThan(1e-6);
    }
  });

  it("names the sample of a NaN, and stops when asked", async () => {
    const bad = samples.with(3, {
      ...samples[3]!,
      x: { dtype: "float32", dims: [1, 2, 4], data: new Float32Array(8).fill(Number.NaN) },
    });
    expect(await rejection(collectInThisThread(model, bad))).toMatchObject({
      code: "not-finite",
      context: { sample: 3 },
    });
    await expect(collectInThisThread(model, samples, { signal: AbortSignal.abort("no") })).rejects.toBe("no");
  });
});
