import { describe, expect, it } from "vitest";
import { parseMethod } from "./parse-method.js";

describe("parseMethod", () => {
  it.each([
    ["l1", "l1", "none", "nothing"],
    ["wanda", "wanda", "none", "statistics"],
    ["obs", "obs", "obs", "samples"],
    ["obs+least-squares", "obs", "least-squares", "samples"],
    ["wanda+bias", "wanda", "bias", "samples"],
    ["l2+scale", "l2", "scale", "samples"],
  ])("reads %s as the criterion %s with the recovery %s, which needs %s", (text, criterion, recover, needs) => {
    expect(parseMethod(text)).toMatchObject({ criterion: { name: criterion }, recover, needs });
  });

  it("hands the seed to the criterion that draws, and to no other", () => {
    expect(parseMethod("random", 7).criterion).toMatchObject({ seed: 7 });
    expect(() => parseMethod("l1", 7)).not.toThrow();
  });

  it.each(["l3", "", "obs+", "obs+none", "obs+bias+bias", "+bias", "OBS"])(
    "refuses %j and names what there is",
    (text) => {
      expect(() => parseMethod(text)).toThrow(
        expect.objectContaining({ code: "usage", message: expect.stringMatching(/l1, l2|bias, scale/) }),
      );
    },
  );
});
