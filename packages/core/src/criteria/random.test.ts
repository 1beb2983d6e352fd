import { denseMatrix, random } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

function draw(seed: number, name: string, length = 4): Float32Array {
  const values = new Float32Array(length).fill(1);
  return random(seed).score(denseMatrix(name, values, 1, length), values);
}

describe("random", () => {
  it("is the same in every version: (word >>> 9 + ½) / 2²³", () => {
    expect(Array.from(draw(42, "encoder.w"), (value) => value * 2 ** 23)).toEqual([
      5622676.5, 625647.5, 2360985.5, 8272472.5,
    ]);
  });

  it("differs with the seed and with the weight's name", () => {
    expect(draw(1, "a")).not.toEqual(draw(2, "a"));
    expect(draw(1, "a")).not.toEqual(draw(1, "b"));
    // A seed and a name must not run into each other.
    expect(draw(1, "1:a")).not.toEqual(draw(11, "a"));
  });

  it("gives an entry its number whatever the entries before it are", () => {
    const values = new Float32Array([0, 1, -0, 5]);
    const [, second, , fourth] = draw(3, "w");
    expect(random(3).score(denseMatrix("w", values, 1, 4), values)).toEqual(new Float32Array([0, second!, 0, fourth!]));
  });

  it("is uniform in (0, 1)", () => {
    const drawn = draw(5, "w", 100_000);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    // The mean of n uniform numbers has a standard deviation of sqrt(1 / 12n) = 0.0009; five of them.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.0046);
    expect(drawn.every((value) => value > 0 && value < 1)).toBe(true);
    const counts = new Array<number>(10).fill(0);
    for (const value of drawn) counts[Math.floor(value * 10)]!++;
    // A tenth of 100 000 ± five standard deviations of sqrt(100 000 · 0.1 · 0.9) = 95.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(475);
  });

  it("carries its seed, for whoever records it", () => {
    expect(random(-3).seed).toBe(-3);
  });

  it.each([0.5, Number.NaN, 2 ** 53])("refuses a seed of %s", (seed) => {
    expect(coreErrorOf(() => random(seed)).code).toBe("invalid-criterion");
  });
});
