import { CRITERION_NAMES, parseCriterion } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

describe("parseCriterion", () => {
  it("knows every name it lists", () => {
    expect(CRITERION_NAMES).toEqual(["l1", "l2", "wanda", "random"]);
    for (const name of CRITERION_NAMES) expect(parseCriterion(name).name).toBe(name);
  });

  it("hands the seed to random, 0 without one", () => {
    expect(parseCriterion("random", 5).seed).toBe(5);
    expect(parseCriterion("random").seed).toBe(0);
  });

  it("refuses a seed that would do nothing", () => {
    const error = coreErrorOf(() => parseCriterion("l1", 5));
    expect(error.code).toBe("invalid-criterion");
    expect(error.message).toContain("a seed was given with the criterion l1");
  });

  it.each(["magnitude", "", "toString"])("refuses %j and lists what there is", (name) => {
    const error = coreErrorOf(() => parseCriterion(name));
    expect(error.code).toBe("invalid-criterion");
    expect(error.message).toBe(`the criterion is "${name}", expected one of l1, l2, wanda, random`);
  });
});
