import { describeLocation, locate } from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coordinates } from "../../test-support/reference.js";
import { arbitraryView } from "../../test-support/views.js";

describe("locate", () => {
  it("finds out channel, in-feature and kernel position of every entry", () => {
    fc.assert(
      fc.property(arbitraryView("w"), (view) => {
        const hasKernel = view.axes.some(({ role }) => role === "kernel");
        for (const [index, { out, feature, kernel }] of coordinates(view).entries()) {
          const place = { outChannel: out, inFeature: feature };
          expect(locate(view, index)).toEqual(hasKernel ? { ...place, kernelPosition: kernel } : place);
        }
      }),
      { seed: 1, numRuns: 60 },
    );
  });
});

describe("describeLocation", () => {
  it("names the kernel position where there is a kernel", () => {
    expect(describeLocation({ outChannel: 3, inFeature: 38 })).toBe("out channel 3, in-feature 38");
    expect(describeLocation({ outChannel: 3, inFeature: 38, kernelPosition: 2 })).toBe(
      "out channel 3, in-feature 38, kernel position 2",
    );
  });
});
