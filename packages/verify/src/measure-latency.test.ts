import type { Runner } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { measureLatency, summarize } from "./measure-latency.js";

describe("summarize", () => {
  it("takes the middle time, or the mean of the middle two", () => {
    expect(summarize([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
    expect(summarize([4, 1, 10, 2])).toEqual({ median: 3, min: 1, max: 10 });
    expect(summarize([7])).toEqual({ median: 7, min: 7, max: 7 });
  });
});

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
