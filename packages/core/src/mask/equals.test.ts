import { equals, Mask } from "@espalier/core";
import { describe, expect, it } from "vitest";

describe("equals", () => {
  it("holds for the same decisions", () => {
    expect(equals(Mask.from([1, 0, 1]), Mask.from([1, 0, 1]))).toBe(true);
  });

  it("fails for one other decision", () => {
    expect(equals(Mask.from([1, 0, 1]), Mask.from([1, 0, 0]))).toBe(false);
  });

  it("fails for the same bytes of another length", () => {
    expect(equals(Mask.from([1, 0, 1]), Mask.from([1, 0, 1, 0]))).toBe(false);
  });
});
