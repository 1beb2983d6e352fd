import { type Gram, gramMatrix } from "@espalier/calibrate";
import { describe, expect, it } from "vitest";

/** Two groups of three features: 1 … 6 and 7 … 12 in their upper triangles. */
const gram: Gram = {
  groups: 2,
  inFeatures: 3,
  count: 5,
  upperTriangles: Float64Array.from({ length: 12 }, (_, index) => index + 1),
};

describe("gramMatrix", () => {
  it("mirrors the upper triangle of a group", () => {
    expect([...gramMatrix(gram)]).toEqual([1, 2, 3, 2, 4, 5, 3, 5, 6]);
    expect([...gramMatrix(gram, 1)]).toEqual([7, 8, 9, 8, 10, 11, 9, 11, 12]);
  });

  it.each([-1, 2, 0.5])("refuses group %d", (group) => {
    expect(() => gramMatrix(gram, group)).toThrow(RangeError);
  });
});
