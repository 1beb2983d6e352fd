import { describe, expect, it } from "vitest";
import { type Dim, product } from "./dim.js";
import { regroup } from "./regroup.js";

const B = ["B"];
const S = ["S"];

describe("regroup", () => {
  it("cuts axes and joins them, in order", () => {
    expect(regroup(["B", "S", 768], [B, S, [12], [64]])).toEqual([B, S, [12], [64]]);
    expect(regroup(["B", "S", 12, 64], [["B", "S"], [768]])).toEqual([["B", "S"], [768]]);
    expect(regroup(["B", 12, "S"], [["B", 12], S])).toEqual([["B", 12], S]);
    expect(regroup([6], [[2], [3]])).toEqual([[2], [3]]);
    expect(regroup([4, 6], [[8], [3]])).toEqual([[8], [3]]);
  });

  it("finds the rest between what is asked for on both sides", () => {
    expect(regroup(["B", "S", 768], ["rest", [768]])).toEqual([["B", "S"], [768]]);
    expect(regroup(["B", "S", 768], [B, "rest"])).toEqual([B, ["S", 768]]);
    expect(regroup(["B", "S", 768], [B, "rest", [64]])).toEqual([B, ["S", 12], [64]]);
    expect(regroup(["B", "S"], [B, "rest", S])).toEqual([B, [], S]);
    expect(regroup(["B", "S", 6], ["rest", S, [2], [3]])).toEqual([B, S, [2], [3]]);
  });

  it("takes the order of axes from the value, not from how a size was computed", () => {
    expect(regroup(["S", "B", 8], [["B", "S"], [8]])).toEqual([["S", "B"], [8]]);
    expect(regroup(["B", 12, "S"], [[12, "B"], S])).toEqual([["B", 12], S]);
  });

  it("does not tell where a cut goes through a named size, or nothing fits", () => {
    expect(regroup(["S", "B", 8], [B, S, [8]])).toBeUndefined();
    expect(regroup(["B", "S"], [[4], "rest"])).toBeUndefined();
    expect(regroup(["B", 8], [B, [3], "rest"])).toBeUndefined();
    expect(regroup(["B", 8], [B, [4]])).toBeUndefined();
    expect(regroup(["B", 0], [B, [0]])).toBeUndefined();
  });

  it("knows numbers behind names", () => {
    const known = new Map([["S", 128]]);
    expect(
      regroup(
        ["B", "S", 64],
        [["rest"], [128], [64]].map((dim) => (dim[0] === "rest" ? "rest" : (dim as Dim))),
        known,
      ),
    ).toEqual([B, S, [64]]);
    expect(regroup(["B", "S", 64], ["rest", [8192]], known)).toEqual([B, ["S", 64]]);
    expect(regroup(["B", "S", 64], ["rest", [256], [64]], known)).toBeUndefined();
  });
});

describe("product", () => {
  it("multiplies neighbouring numbers, and leaves 1 out", () => {
    expect(product(["B"], [1], [2, 3], ["S"], [4])).toEqual(["B", 6, "S", 4]);
    expect(product([], [])).toEqual([]);
  });
});
