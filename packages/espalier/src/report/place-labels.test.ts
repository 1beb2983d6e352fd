import { describe, expect, it } from "vitest";
import { placeLabels } from "./place-labels.js";

const FRAME = { left: 0, right: 200, top: 0, bottom: 200 };

describe("placeLabels", () => {
  it("puts a lone label to the upper right of its point", () => {
    const point = { x: 100, y: 100 };
    const [label] = placeLabels([point], [point], FRAME);
    expect(label!.x).toBeCloseTo(100 + 16 * Math.SQRT1_2, 9);
    expect(label!.y).toBeCloseTo(100 - 16 * Math.SQRT1_2, 9);
  });

  it("keeps labels of a crowd off each other and off the marks", () => {
    const points = Array.from({ length: 6 }, (_, index) => ({ x: 100 + 3 * index, y: 100 - 2 * index }));
    const labels = placeLabels(points, points, FRAME);
    for (const [index, a] of labels.entries()) {
      for (const b of labels.slice(index + 1))
        expect(Math.abs(a.x - b.x) >= 16 || Math.abs(a.y - b.y) >= 12).toBe(true);
      for (const mark of points) expect(Math.abs(a.x - mark.x) >= 13 || Math.abs(a.y - mark.y) >= 11).toBe(true);
    }
  });

  it("stays inside the frame in its upper right corner", () => {
    const corner = { x: 198, y: 2 };
    const [label] = placeLabels([corner], [corner], FRAME);
    expect(label!.x + 8).toBeLessThanOrEqual(200);
    expect(label!.y - 6).toBeGreaterThanOrEqual(0);
  });
});
