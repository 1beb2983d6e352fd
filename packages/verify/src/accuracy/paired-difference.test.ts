import { describe, expect, it } from "vitest";
import { bootstrapInterval } from "./bootstrap.js";
import { pairedDifference } from "./paired-difference.js";
import { seededIndex } from "./seeded-index.js";

describe("pairedDifference", () => {
  it("is the mean of the differences, and the same interval every time", () => {
    const before = [1, 1, 0, 1, 1];
    const after = [1, 0, 0, 1, 0];
    const found = pairedDifference(before, after);
    expect(found.difference).toBe(0.4);
    expect(found).toEqual(pairedDifference(before, after));
  });

  it("has no width where every example differs alike", () => {
    expect(pairedDifference([1, 2, 3], [0.5, 1.5, 2.5])).toEqual({
      difference: 0.5,
      interval: { low: 0.5, high: 0.5 },
    });
    expect(pairedDifference([1], [0])).toEqual({ difference: 1, interval: { low: 1, high: 1 } });
  });

  // 4000 examples, of which 120 got worse and 40 better: mean 0.02, variance (160/4000 − 0.02²) / 4000 = 9.9e-6, standard
  // error 0.003146, so 0.02 ± 1.96 · 0.003146 = 0.01383 to 0.02617. Ends of 10,000 resamples vary by some 0.0001.
  // Unpaired, with both near 0.7, it would be ± 0.0201.
  it("is as wide as the normal approximation says for many examples", () => {
    const before = Array.from({ length: 4000 }, (_, index) => Number(index < 2800));
    const after = before.map((right, index) => (index < 120 || (index >= 2800 && index < 2840) ? 1 - right : right));
    const { difference, interval } = pairedDifference(before, after);
    expect(difference).toBe(0.02);
    expect(Math.abs(interval.low - 0.01383)).toBeLessThan(0.0004);
    expect(Math.abs(interval.high - 0.02617)).toBeLessThan(0.0004);
  });
});

describe("bootstrapInterval", () => {
  // The mean of n uniform indices of [0, n) resampled: of 3 values 0, 1, 2, P(mean = 0) = 1/27 = 3.7 % > 2.5 %, so the interval
  // is everything; with 4 values 1/256 < 2.5 %, so it is not.
  it("leaves out what fewer than 2.5 % of resamples have on either side", () => {
    const mean = (indices: Uint32Array): number => indices.reduce((sum, index) => sum + index, 0) / indices.length;
    expect(bootstrapInterval(3, mean)).toEqual({ low: 0, high: 2 });
    const { low, high } = bootstrapInterval(4, mean);
    expect([low, high]).toEqual([0.5, 2.5]);
  });
});

describe("seededIndex", () => {
  it("draws every integer about as often, and others from another seed", () => {
    const draw = seededIndex(1);
    const counts = new Array(10).fill(0);
    for (let drawn = 0; drawn < 100_000; drawn++) counts[draw(10)]++;
    // A binomial of 100,000 at 0.1 has standard deviation 95.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * 95);
    const other = seededIndex(2);
    const again = seededIndex(1);
    const draws = (from: (count: number) => number) => Array.from({ length: 8 }, () => from(1000));
    expect(draws(again)).not.toEqual(draws(other));
    expect(draws(seededIndex(1))).toEqual(draws(seededIndex(1)));
  });
});
