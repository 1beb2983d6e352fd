import { spreadOf } from "@espalier/runtime";
import { describe, expect, it } from "vitest";

describe("spreadOf", () => {
  it("takes the middle one, or the mean of the middle two", () => {
    expect(spreadOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
    // As texts 10 comes before 2 and 4.
    expect(spreadOf([4, 1, 10, 2])).toEqual({ median: 3, min: 1, max: 10 });
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
  });
});
