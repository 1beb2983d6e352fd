import type { Runner } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { measureLatency, speedupOf } from "./measure-latency.js";

describe("measureLatency", () => {
  it("runs both models in turns and alternates who goes first", async () => {
    const order: string[] = [];
    const runner = (name: string): Runner => ({
      backend: "node",
      inputs: [],
      outputs: [],
      run: async () => {
        order.push(name);
        return {};
      },
      close: async () => {},
    });
    const latency = await measureLatency(runner("o"), runner("p"), {}, 3);
    expect(order.join("")).toBe("oppoop");
    expect(latency.runs).toBe(3);
  });
});

describe("speedupOf", () => {
  const times = (base: number, spread: number) =>
    Array.from({ length: 30 }, (_, turn) => base + (spread * ((turn * 7) % 30)) / 30);

  // Medians of 2 + (14 or 15)/30 · 0.2 and half of that: the ratio of the middle is exactly 2.
  it("is the ratio of the medians, and faster where its interval is above 1", () => {
    const { ratio, interval, verdict } = speedupOf(times(2, 0.2), times(1, 0.1));
    expect(ratio).toBeCloseTo(2, 12);
    expect(interval.low).toBeGreaterThan(1.9);
    expect(interval.high).toBeLessThan(2.1);
    expect(verdict).toBe("faster");
    expect(speedupOf(times(1, 0.1), times(2, 0.2)).verdict).toBe("slower");
  });

  it("claims nothing where chance explains the difference, or turns were few", () => {
    const noisy = times(1, 1);
    const { ratio, verdict } = speedupOf(
      noisy,
      noisy.map((_, turn) => noisy[(turn + 11) % 30]! * 0.97),
    );
    expect(ratio).toBeGreaterThan(1);
    expect(verdict).toBe("undecided");
    expect(speedupOf([2, 2, 2], [1, 1, 1])).toEqual({ ratio: 2, interval: { low: 2, high: 2 }, verdict: "undecided" });
  });

  it("takes turns as pairs, so that a slow turn of the machine meets both", () => {
    const slow = Array.from({ length: 30 }, (_, turn) => (turn < 15 ? 1 : 3));
    const { interval } = speedupOf(
      slow,
      slow.map((time) => time / 1.25),
    );
    expect(interval.low).toBeCloseTo(1.25, 12);
    expect(interval.high).toBeCloseTo(1.25, 12);
  });
});
