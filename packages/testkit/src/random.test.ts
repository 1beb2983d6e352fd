import { random } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

describe("random", () => {
  it("repeats the same numbers for the same seed and others for another seed", () => {
    const numbers = (seed: number) => {
      const stream = random(seed);
      return [stream.next(), ...stream.float32(3), stream.int(1000)];
    };
    expect(numbers(1)).toEqual(numbers(1));
    expect(numbers(1)).not.toEqual(numbers(2));
  });

  // mulberry32 as published gives 0.6270739405881613 first for seed 1: seeded models elsewhere rest on these values.
  it("starts with the published first value of mulberry32", () => {
    expect(random(1).next()).toBe(0.6270739405881613);
  });

  it("draws normal numbers of mean 0 and standard deviation 1", () => {
    const count = 100_000;
    const values = random(7).float32(count);
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    // Standard errors: 1 / √n = 0.0032 for the mean, √(2 / n) = 0.0045 for the variance; four of each.
    expect(Math.abs(mean)).toBeLessThan(0.0128);
    expect(Math.abs(variance - 1)).toBeLessThan(0.018);
    // 4.55 % of a normal distribution lies beyond 2; a uniform one of the same variance has none there.
    const tail = values.filter((value) => Math.abs(value) > 2).length / count;
    expect(Math.abs(tail - 0.0455)).toBeLessThan(0.003);
  });

  it("draws every integer below the limit and never the limit", () => {
    const stream = random(3);
    const seen = new Set(Array.from({ length: 1000 }, () => stream.int(5)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it("goes on where it stopped when numbers are drawn in pieces", () => {
    const whole = random(9).float32(7);
    const stream = random(9);
    expect([...stream.float32(3), ...stream.float32(4)]).toEqual([...whole]);
  });
});
