import { Mask, nnz, sparsity } from "@espalier/core";
import { describe, expect, it } from "vitest";

describe("nnz", () => {
  it("counts what stays", () => {
    expect(nnz(Mask.from([1, 0, 1, 1, 0, 0, 0, 0, 1, 0]))).toBe(4);
    expect(nnz(Mask.keepAll(1003))).toBe(1003);
    expect(nnz(Mask.keepAll(0))).toBe(0);
  });
});

describe("sparsity", () => {
  it("is the fraction of entries that go", () => {
    expect(sparsity(Mask.from([1, 0, 1, 1, 0, 0, 0, 0, 1, 0]))).toBe(0.6);
    expect(sparsity(Mask.from([0, 0]))).toBe(1);
  });

  it("is 0 where nothing goes, and for an empty mask", () => {
    expect(sparsity(Mask.keepAll(3))).toBe(0);
    expect(sparsity(Mask.keepAll(0))).toBe(0);
  });
});
