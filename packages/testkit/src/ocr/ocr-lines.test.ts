import { ocrCharacters, ocrLines } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

describe("ocrLines", () => {
  const splits = ocrLines();

  it("has the promised number of lines, none of them twice or in both splits", () => {
    expect(splits.test).toHaveLength(120);
    expect(splits.calibration).toHaveLength(256);
    expect(new Set([...splits.test, ...splits.calibration]).size).toBe(120 + 256);
  });

  it("takes from a paragraph lines of one split only", () => {
    // Together they use every line but those four that may be left between them, so a shared paragraph would show as a shared line.
    const all = ocrLines({ test: 2000, calibration: 3000 });
    expect(new Set([...all.test, ...all.calibration]).size).toBe(5000);
  });

  it("uses characters that the model knows", () => {
    const known = new Set(ocrCharacters());
    expect([...splits.test, ...splits.calibration].filter((line) => ![...line].every((c) => known.has(c)))).toEqual([]);
  });

  it("draws the same lines for the same seed and others for another", () => {
    expect(ocrLines()).toEqual(splits);
    expect(ocrLines({ seed: 8 }).test).not.toEqual(splits.test);
  });

  it("grows a split at its end and leaves the other alone", () => {
    const larger = ocrLines({ test: 300 });
    expect(larger.test.slice(0, 120)).toEqual(splits.test);
    expect(larger.calibration).toEqual(splits.calibration);
  });

  it("refuses splits that the book cannot fill", () => {
    expect(() => ocrLines({ test: 100_000 })).toThrow(RangeError);
  });
});
