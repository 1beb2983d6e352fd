import { describe, expect, it } from "vitest";
import { finishedRow } from "../../test/finished-row.js";
import { bestWithin, parseBudget } from "./budget.js";
import type { SweepRow } from "./sweep-result.js";

const best = (text: string, rows: readonly SweepRow[]): number | null => bestWithin(parseBudget(text, true), rows);

describe("parseBudget", () => {
  it("reads units: bytes in thousands or in 1024s, latency in ms or s", () => {
    const { limits } = parseBudget(
      "bytes<=5MB, gzip <= 4MiB,latency<=0.1s,drop<=-0.01,error<=1e-3,speedup>=1.2x",
      true,
    );
    expect(limits.map(({ value }) => value)).toEqual([5e6, 4 * 2 ** 20, 100, -0.01, 0.001, 1.2]);
  });

  it.each([
    ["", /""/],
    ["drop", /"drop".*such as drop<=0\.01/],
    ["drop<0.01", /"drop<0\.01"/],
    ["drop>=0.01", /drop takes <=/],
    ["speedup<=2", /speedup takes >=/],
    ["size<=5MB", /"size<=5MB"/],
    ["bytes<=5 parsecs", /bytes is a number, with or without one of b, kb/],
    ["error<=5ms", /error is a number$/],
    ["error<=1.2.3", /error is a number$/],
    ["error<=0.1,", /""/],
  ])("refuses %j, naming the condition", (text, message) => {
    expect(() => parseBudget(text, true)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringMatching(message) }),
    );
  });

  it("refuses to limit a drop that is not measured", () => {
    expect(() => parseBudget("drop<=0.01", false)).toThrow(/labels or a metric/);
    expect(() => parseBudget("error<=0.01", false)).not.toThrow();
  });
});

describe("bestWithin", () => {
  const rows: readonly SweepRow[] = [
    finishedRow({ drop: 0.001, outputError: 0.9, bytes: 9e6, latencyMs: 3 }),
    finishedRow({ drop: 0.02, outputError: 0.1, bytes: 4e6, latencyMs: 2, speedup: [0.9, 1.5, 2] }),
    { ...finishedRow({}), status: "refused", reason: "no" },
    finishedRow({ drop: 0.01, outputError: 0.2, bytes: 5e6, latencyMs: 1, speedup: [1.2, 1.5, 2] }),
  ];

  it("takes the smallest drop among those that meet every condition, a limit included", () => {
    expect(best("bytes<=9MB", rows)).toBe(0);
    expect(best("bytes<=5MB", rows)).toBe(3);
    expect(best("bytes<=5MB,error<=0.1", rows)).toBe(1);
    expect(best("bytes<=4.9MB,latency<=1.9ms", rows)).toBeNull();
  });

  it("counts a speedup by the lower end of its interval", () => {
    expect(best("speedup>=1.2", rows)).toBe(3);
    expect(best("speedup>=1.3", rows)).toBeNull();
  });

  it("goes by the output error where nothing is scored, and by size among equals", () => {
    const unscored = [0.2, 0.1, 0.1].map((outputError, index) => finishedRow({ outputError, bytes: 100 - index }));
    expect(bestWithin(parseBudget("bytes<=1kB", false), unscored)).toBe(2);
  });
});
