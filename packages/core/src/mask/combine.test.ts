import { and, Mask, or } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

const a = Mask.from([1, 1, 0, 0, 1, 1, 0, 0, 1, 0]);
const b = Mask.from([1, 0, 1, 0, 1, 0, 1, 0, 0, 1]);

describe("and", () => {
  it("keeps what both keep", () => {
    expect(and(a, b)).toEqual(Mask.from([1, 0, 0, 0, 1, 0, 0, 0, 0, 0]));
  });

  it("refuses masks of different lengths", () => {
    const error = coreErrorOf(() => and(a, Mask.keepAll(9)));
    expect(error.code).toBe("shape-mismatch");
    expect(error.message).toBe("the mask has 10 entries, the other mask 9: expected the same");
  });
});

describe("or", () => {
  it("keeps what at least one keeps", () => {
    expect(or(a, b)).toEqual(Mask.from([1, 1, 1, 0, 1, 1, 1, 0, 1, 1]));
  });

  it("refuses masks of different lengths", () => {
    expect(coreErrorOf(() => or(a, Mask.keepAll(16))).code).toBe("shape-mismatch");
  });
});
