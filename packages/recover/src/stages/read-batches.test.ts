import type { Sample, ValueInfo } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { readBatches } from "./read-batches.js";

const INPUTS: readonly ValueInfo[] = [{ name: "x", dtype: "float32", dims: ["n", null] }];

function sample(width: number, rows = 1): Sample {
  return { x: { dtype: "float32", dims: [rows, width], data: new Float32Array(rows * width).fill(width) } };
}

async function batches(samples: Iterable<Sample>, size: number) {
  const found: (readonly unknown[])[] = [];
  for await (const { first, count, feeds } of readBatches(samples, INPUTS, size)) {
    found.push([first, count, ...feeds.x!.dims]);
  }
  return found;
}

describe("readBatches", () => {
  it("puts neighbours of one size together, in their order", async () => {
    const samples = [2, 2, 2, 2, 2, 3, 3, 2].map((width) => sample(width));
    expect(await batches(samples, 4)).toEqual([
      [0, 4, 4, 2],
      [4, 1, 1, 2],
      [5, 2, 2, 3],
      [7, 1, 1, 2],
    ]);
  });

  it("counts samples, not rows", async () => {
    expect(await batches([sample(2, 3), sample(2, 1), sample(2, 2)], 2)).toEqual([
      [0, 2, 4, 2],
      [2, 1, 2, 2],
    ]);
  });

  it("gives none for no samples", async () => {
    expect(await batches([], 2)).toEqual([]);
  });

  it("reads no further than it is asked", async () => {
    let read = 0;
    function* source(): Generator<Sample> {
      for (;;) {
        read++;
        yield sample(2);
      }
    }
    const reader = readBatches(source(), INPUTS, 2);
    await reader.next();
    await reader.return();
    expect(read).toBe(3);
  });

  it("names the sample that does not fit", async () => {
    const wrong = { x: { dtype: "int32" as const, dims: [1, 2], data: new Int32Array(2) } };
    await expect(batches([sample(2), wrong], 2)).rejects.toMatchObject({ code: "bad-option", context: { sample: 1 } });
  });
});
