import type { WeightView } from "@espalier/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";
import { coordinates } from "../../test-support/reference.js";
import { arbitraryView, matMul, viewOf } from "../../test-support/views.js";
import { forEachEntry } from "./for-each-entry.js";
import { matrixLayout } from "./matrix-layout.js";

describe("matrixLayout", () => {
  it("places every entry where counting through the axes finds it", () => {
    fc.assert(
      fc.property(arbitraryView("w"), (view) => {
        const { outOffsets, featureOffsets } = matrixLayout(view);
        for (const [index, { out, feature }] of coordinates(view).entries()) {
          expect(outOffsets[out]! + featureOffsets[feature]!).toBe(index);
        }
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it.each([
    ["too few out channels", { outChannels: 2 }],
    ["too many in-features", { inFeatures: 5 }],
    ["a step that leaves gaps", { axes: [{ role: "in", size: 4, step: 2 } as const, matMul(4, 3)[1]!] }],
    ["a step of 0, which stacks all entries", { axes: [{ role: "in", size: 4, step: 0 } as const, matMul(4, 3)[1]!] }],
  ])("refuses a view with %s", (_, wrong: Partial<WeightView>) => {
    const error = coreErrorOf(() => matrixLayout({ ...viewOf("w", matMul(4, 3), new Float32Array(12)), ...wrong }));
    expect(error.code).toBe("shape-mismatch");
    expect(error.message).toContain('weight "w"');
  });
});

describe("forEachEntry", () => {
  it("visits every entry of a wide matrix once, in the same order for a matrix and its transpose", () => {
    const visits = (view: WeightView): string[] => {
      const seen: string[] = [];
      forEachEntry(view, (_, outChannel, inFeature) => seen.push(`${outChannel},${inFeature}`));
      return seen;
    };
    const zeros = new Float32Array(35 * 3);
    const order = visits(viewOf("w", matMul(3, 35), zeros));
    expect(new Set(order).size).toBe(35 * 3);
    expect(visits(viewOf("w", matMul(3, 35).toReversed(), zeros))).toEqual(order);
  });
});
