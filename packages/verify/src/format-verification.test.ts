import { formatVerification, type Verification } from "@espalier/verify";
import { describe, expect, it } from "vitest";

const verification: Verification = {
  status: "failed",
  checks: [
    { name: "pattern", status: "passed", measured: 0, limit: 0, message: "2 weights conform to 2:4" },
    { name: "sparsity", status: "skipped", measured: 0.5, limit: null, message: "no limit" },
    { name: "outputs", status: "failed", measured: 0.123456, limit: 0.05, message: 'output "y":\n too far' },
    { name: "loads", status: "failed", measured: null, limit: null, message: "gone" },
  ],
  bytes: { original: 1000, pruned: 1100 },
};

describe("formatVerification", () => {
  it("tabulates the checks, tells what each found, and ends with the verdict", () => {
    expect(formatVerification(verification)).toBe(
      [
        "| check    | status  | measured | limit |",
        "| :------- | :------ | -------: | ----: |",
        "| pattern  | passed  |        0 |     0 |",
        "| sparsity | skipped |      0.5 |     – |",
        "| outputs  | failed  |   0.1235 |  0.05 |",
        "| loads    | failed  |        – |     – |",
        "",
        "pattern: 2 weights conform to 2:4",
        "sparsity: no limit",
        'outputs: output "y": too far',
        "loads: gone",
        "",
        "bytes: 1000 original, 1100 pruned (1.100)",
        "failed: 1 passed, 2 failed, 1 skipped",
        "",
      ].join("\n"),
    );
  });

  it("lets no name out of a model break a line or reach the terminal as a control sequence", () => {
    const message = 'weight "\x1b[2J\u009b31m\nfailed: all"';
    const [check] = verification.checks;
    const text = formatVerification({ ...verification, checks: [{ ...check!, message }] });
    expect(text).toContain('pattern: weight " [2J 31m failed: all"\n');
  });

  it("adds sizes after gzip and times with their spread where there are any", () => {
    const text = formatVerification({
      ...verification,
      gzipBytes: { original: 900, pruned: 500 },
      brotliBytes: { original: 800, pruned: 400 },
      latency: {
        runs: 15,
        original: { median: 1.5, min: 1.25, max: 3 },
        pruned: { median: 1.4, min: 1.3, max: 2 },
        speedup: { ratio: 15 / 14, interval: { low: 0.98, high: 1.2 }, verdict: "undecided" },
      },
    });
    expect(text).toContain(
      "gzip bytes: 900 original, 500 pruned (0.556)\nbrotli bytes: 800 original, 400 pruned (0.500)\n",
    );
    expect(text).toContain(
      "median of 15 runs in turns: 1.500 ms (1.250 to 3.000) original, 1.400 ms (1.300 to 2.000) pruned\n" +
        "speed: 1.071 times the original's (95 % interval 0.980 to 1.200): no difference shown\n",
    );
  });

  it("adds what loading takes, or why that is not known", () => {
    const once = (value: number) => ({ median: value, min: value, max: value });
    const loading = {
      original: { processes: 3, milliseconds: { median: 20, min: 19.5, max: 30 }, peakBytes: once(4e6) },
      pruned: { processes: 3, milliseconds: { median: 50, min: 40, max: 60 }, peakBytes: once(10_000_000) },
    };
    expect(formatVerification({ ...verification, loading })).toContain(
      "loading, median of 3 fresh processes: 20.0 ms (19.5 to 30.0) original, 50.0 ms (40.0 to 60.0) pruned (2.500)\n" +
        "peak memory of loading, above the runtime's own: 4.0 MB original, 10.0 MB pruned (2.500)\nfailed:",
    );
    const unknown = { processes: 1, milliseconds: once(2) };
    expect(formatVerification({ ...verification, loading: { original: unknown, pruned: unknown } })).toContain(
      "loading, in a fresh process: 2.0 ms original, 2.0 ms pruned (1.000)\nfailed:",
    );
    const nothing = { ...unknown, peakBytes: once(0) };
    expect(formatVerification({ ...verification, loading: { original: nothing, pruned: nothing } })).toContain(
      "own: 0.0 MB original, 0.0 MB pruned\n",
    );
    expect(formatVerification({ ...verification, loading: { problem: "no\nroom" } })).toContain(
      "loading could not be measured: no room\n",
    );
  });
});
