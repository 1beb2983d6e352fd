import { fixesSparsity, PATTERN_FORMS, parsePattern } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

describe("parsePattern", () => {
  it("lists every form it knows", () => {
    expect(PATTERN_FORMS).toEqual(["unstructured", "N:M", "block:RxC", "blocks:BKxBN", "rows", "columns"]);
  });

  it.each(["unstructured", "block:16x4", "blocks:32x256", "rows", "columns"])("reads %s with a sparsity", (text) => {
    expect(parsePattern(text, 0.3)).toMatchObject({ spec: text, sparsity: 0.3 });
  });

  it("reads N:M, which fixes its sparsity", () => {
    expect(parsePattern("1:4")).toMatchObject({ spec: "1:4", sparsity: 0.75 });
  });

  it("reads the group of unstructured", () => {
    expect(parsePattern("unstructured", 0.3, "model")).toMatchObject({ sparsity: 0.3, group: "model" });
    expect(parsePattern("unstructured", 0.3).group).toBeUndefined();
  });

  it("takes a sparsity of 0", () => {
    expect(parsePattern("rows", 0).sparsity).toBe(0);
  });

  it.each([
    ["4:2", undefined, undefined, "invalid-pattern", "the pattern is 4:2, expected N:M with 1 ≤ N < M ≤ 64"],
    ["4:2", 0.5, undefined, "invalid-pattern", "the pattern is 4:2, expected N:M"],
    [
      "2:4",
      0.3,
      undefined,
      "invalid-sparsity",
      "a sparsity of 0.3 was given with the pattern 2:4, which fixes its own (0.5)",
    ],
    [
      "unstructured",
      undefined,
      undefined,
      "invalid-sparsity",
      "the pattern unstructured needs a sparsity and none was given",
    ],
    ["unstructured", 1.2, undefined, "invalid-sparsity", "the sparsity is 1.2, expected a fraction of zeros in [0, 1)"],
    ["rows", Number.NaN, undefined, "invalid-sparsity", "the sparsity is NaN"],
    ["block:0x4", 0.5, undefined, "invalid-pattern", "the pattern is block:0x4, expected both sides"],
    ["blocks:32x99999999999999999999", 0.5, undefined, "invalid-pattern", "expected both sides"],
    ["2:4", undefined, "row", "invalid-pattern", 'the comparison group "row" was given with the pattern 2:4'],
    ["rows", 0.5, "layer", "invalid-pattern", "only unstructured takes one"],
    ["unstructured", 0.5, "column" as "row", "invalid-pattern", 'the comparison group is "column"'],
    [
      "diagonal",
      0.5,
      undefined,
      "invalid-pattern",
      'the pattern is "diagonal", expected one of unstructured, N:M, block:RxC',
    ],
    ["block:16", 0.5, undefined, "invalid-pattern", 'the pattern is "block:16", expected one of'],
    [" 2:4", undefined, undefined, "invalid-pattern", 'the pattern is " 2:4"'],
    ["", 0.5, undefined, "invalid-pattern", 'the pattern is ""'],
  ] as const)("refuses %j with sparsity %s and group %s", (text, sparsity, group, code, message) => {
    const error = coreErrorOf(() => parsePattern(text, sparsity, group));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("\n");
  });
});

describe("fixesSparsity", () => {
  it.each([
    ["2:4", true],
    ["4:2", true],
    ["block:16x4", false],
    ["unstructured", false],
    [" 2:4", false],
    ["zigzag", false],
  ])("%j: %s", (text, fixes) => {
    expect(fixesSparsity(text)).toBe(fixes);
  });
});
