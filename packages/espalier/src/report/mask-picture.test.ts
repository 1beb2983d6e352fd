import { denseMatrix, type WeightView } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { maskPictures } from "./mask-picture.js";

describe("maskPictures", () => {
  it("shows a small mask entry by entry, out channels down, whatever the layout of the buffer", () => {
    // Kept: [0, 0], [0, 2], [1, 1] of 2 × 3.
    const rows = Float32Array.of(5, 0, -1, 0, 2, -0);
    const byRows = denseMatrix("w", rows, 2, 3);
    expect([...maskPictures(byRows, rows).corner.levels]).toEqual([1, 0, 1, 0, 1, 0]);
    const columns = Float32Array.of(5, 0, 0, 2, -1, -0);
    const axes = [
      { role: "in", size: 3, step: 1 },
      { role: "out", size: 2, step: 1 },
    ] as const;
    const byColumns: WeightView = { name: "w", outChannels: 2, inFeatures: 3, groups: 1, axes, read: () => columns };
    expect(maskPictures(byColumns, columns)).toEqual(maskPictures(byRows, rows));
  });

  it("shades a pixel of a large mask by the part that was kept", () => {
    // 192 × 192: every pixel stands for 2 × 2 entries. Row 0 is gone, so the first row of pixels is half kept.
    const size = 192;
    const values = Float32Array.from({ length: size * size }, (_, index) => (index < size ? 0 : 1));
    const { overview, density, corner } = maskPictures(denseMatrix("w", values, size, size), values);
    expect([overview.width, overview.height]).toEqual([96, 96]);
    expect(overview.levels.subarray(0, 96).every((level) => level === 8)).toBe(true);
    expect(overview.levels.subarray(96).every((level) => level === 15)).toBe(true);
    expect(density).toEqual({ least: 0.5, most: 1 });
    expect([corner.width, corner.height, corner.levels[31], corner.levels[32]]).toEqual([32, 32, 0, 1]);
  });
});
