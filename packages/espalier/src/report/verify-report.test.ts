import { l1, nm } from "@espalier/core";
import { encodeWeights } from "@espalier/export";
import { decodeModel, encodeModel } from "@espalier/onnx";
import { useLitePath } from "@espalier/testkit";
import type { Verification } from "@espalier/verify";
import { describe, expect, it } from "vitest";
import { HOSTILE, reportModel } from "../../test/report-models.js";
import { flawsOf, pageOf, textsOf } from "../../test/report-page.js";
import { prune } from "../prune.js";
import { verify } from "../verify.js";
import { PICTURED } from "./pictures-section.js";
import { verifyReport } from "./verify-report.js";

const samples = Array.from({ length: 12 }, (_, sample) => ({
  x: {
    dtype: "float32",
    dims: [1, 64],
    data: Float32Array.from({ length: 64 }, (_, at) => Math.cos(at * (sample + 1))),
  },
})) as never;

async function reported(layers: number, more: object = {}): Promise<{ html: string; verification: Verification }> {
  const [original, pruned] = [reportModel(layers, false), reportModel(layers, true)];
  const verification = await verify({
    original,
    pruned,
    samples,
    pattern: nm(2, 4),
    gzip: true,
    maxOutputError: 0.1,
    ...more,
  });
  const options = { verification, original, pruned, title: "chain.onnx", commands: ["espalier verify a.onnx b.onnx"] };
  const html = await verifyReport(options);
  expect((await verifyReport(options)) === html).toBe(true);
  return { html, verification };
}

describe("verifyReport", () => {
  it("says what failed before all, and every check with what it measured", async () => {
    const { html, verification } = await reported(3);
    const page = pageOf(html);
    expect(verification.status).toBe("failed");
    expect(textsOf(page, ".verdict")[0]).toBe("✗ Failed");
    const failed = verification.checks.filter(({ status }) => status === "failed").map(({ name }) => name);
    expect(textsOf(page, ".findings strong")).toEqual(failed);
    const rows = textsOf(page, ".checks tbody th");
    expect(rows.map((row) => row.split(" ")[0])).toEqual(verification.checks.map(({ name }) => name));
    expect(rows.map((row) => row.split(" ").at(-1))).toEqual(verification.checks.map(({ status }) => status));
    expect(textsOf(page, "pre")).toEqual(["espalier verify a.onnx b.onnx"]);
  });

  it("pictures every pruned weight with its mask", async () => {
    const { html } = await reported(3);
    const page = pageOf(html);
    expect(textsOf(page, ".layer > p")).toHaveLength(3);
    for (const text of textsOf(page, ".layer > p"))
      expect(text).toMatch(/^64 × 64, zeros 0.0 % → 50.0 %, moved by 0\.\d+$/);
    expect([...page.querySelectorAll(".layer img")]).toHaveLength(6);
  });

  it("can be read without seeing it, and loads and runs nothing", async () => {
    const { html } = await reported(3, {
      latencyRuns: 3,
      labels: Array.from({ length: 12 }, (_, index) => index % 64),
    });
    expect(flawsOf(html)).toEqual([]);
    expect(html.includes("paired bootstrap interval")).toBe(true);
    expect(html.match(/https?:[^"]*/)).toBeNull();
  });

  it("shows names that attack as text, with what cannot be seen made visible", async () => {
    const { html } = await reported(3);
    expect(html.match(/<script|[\u202A-\u202E\u2066-\u2069]/i)).toBeNull();
    const shown = HOSTILE.replace("\u202E", "⟨U+202E⟩").replace("\u2066", "⟨U+2066⟩");
    expect(textsOf(pageOf(html), ".layer h3")).toContain(shown);
    expect(textsOf(pageOf(html), "table th")).toContain(shown);
  });

  it("folds small weights away, draws the largest only, and lists all, of a model with many", async () => {
    const layers = PICTURED + 3;
    const { html } = await reported(layers);
    const page = pageOf(html);
    expect(textsOf(page, "details .layer")).toHaveLength(PICTURED - 12);
    expect(textsOf(page, ".layer")).toHaveLength(PICTURED);
    expect(textsOf(page, "#masks > .note")[0]).toContain("The 3 smallest pruned weights have no pictures");
    expect(textsOf(page, "#layers details tbody tr")).toHaveLength(layers);
    expect(html.length).toBeLessThan(1e6);
  });

  it("pictures weights that are stored compressed, and says what they take", async () => {
    const [original, dense] = [reportModel(3, false), decodeModel(reportModel(3, true))];
    const bitmask = { encoding: "bitmask" } as const;
    const pruned = encodeWeights(
      dense,
      new Map([
        ["block.0/dense/kernel", bitmask],
        [HOSTILE, bitmask],
      ]),
    );
    const verification = await verify({ original, pruned: encodeModel(pruned), samples });
    const [encoded, plain] = [
      await verifyReport({ verification, original, pruned }),
      await verifyReport({ verification, original, pruned: dense }),
    ];
    const pictures = (html: string): (string | null)[] =>
      [...pageOf(html).querySelectorAll(".layer img")].map((image) => image.getAttribute("src"));
    expect(pictures(encoded)).toHaveLength(6);
    expect(pictures(encoded).every((picture, index) => picture === pictures(plain)[index])).toBe(true);
    const rows = [...pageOf(encoded).querySelectorAll("#layers details tbody tr")].map((row) =>
      textsOf(row, "td").slice(3),
    );
    expect(rows.map(([stored]) => stored)).toEqual(["compressed", "compressed", "dense"]);
    expect(rows.map((cells) => cells[2])).toEqual(["16.4 kB", "16.4 kB", "16.4 kB"]);
    // A bit for each of 4096 entries and 4 bytes for each of 2048 that stay; the first also counts the table that both need.
    const bytes = rows.map((cells) => Number.parseFloat(cells[1]!));
    expect(bytes[0]! - bytes[1]!).toBeGreaterThan(1);
    expect(bytes[1]).toBeGreaterThanOrEqual(8.7);
    expect(bytes[1]).toBeLessThan(9);
    expect(bytes[2]).toBe(16.4);
  });

  it("shows times in every backend, what loading takes, and what became of certified weights", async () => {
    const spread = (median: number) => ({ median, min: median, max: 2 * median });
    const loading = {
      original: { processes: 3, milliseconds: spread(20), peakBytes: spread(30e6) },
      pruned: { processes: 3, milliseconds: spread(10), peakBytes: spread(20e6) },
    };
    const speedup = (ratio: number) =>
      ({ ratio, interval: { low: ratio - 0.25, high: ratio + 0.25 }, verdict: "faster" }) as const;
    const weights = [
      { name: "w", found: "w_quantized", status: "moved", broken: 0 },
      { name: HOSTILE, found: null, status: "missing", broken: 7 },
    ] as const;
    const check = {
      name: "certificate",
      message: "m",
      measured: 1,
      limit: 0,
      figures: { kind: "certificate", weights },
    } as const;
    const verification: Verification = {
      status: "failed",
      checks: [{ ...check, status: "failed" }],
      bytes: { original: 4, pruned: 4 },
      loading,
      latency: { original: spread(3), pruned: spread(2), runs: 12, speedup: speedup(1.5) },
      otherLatencies: [{ backend: "web", original: spread(9), pruned: spread(6), runs: 12, speedup: speedup(1.4) }],
    };
    const model = reportModel(2, false);
    const html = await verifyReport({ verification, original: model, pruned: model });
    expect(flawsOf(html)).toEqual([]);
    const rows = textsOf(pageOf(html), "#cost tbody tr");
    expect(rows.splice(0, 2)[1]).toMatch(/^the same in web, 12 runs9.ms/);
    const plots = [...pageOf(html).querySelectorAll("#cost svg")].map((svg) => svg.getAttribute("aria-label"));
    expect(plots).toContain("times as fast: speed  1.5  (1.25 to 1.75); in web  1.4  (1.15 to 1.65)");
    expect(rows[0]).toContain("in 3 fresh processes");
    expect(rows[0]).toMatch(/20.ms \(20.ms to 40.ms\)10.ms \(10.ms to 20.ms\)/);
    expect(rows[1]).toContain("30.0 MB (30.0 MB to 60.0 MB)");
    expect(textsOf(pageOf(html), "#checks details tbody td")).toEqual([
      "zeros hold, values moved",
      "w_quantized",
      "0",
      "not there",
      "–",
      "7",
    ]);
    const problem = { ...verification, loading: { problem: "no file <b>" } };
    const without = await verifyReport({ verification: problem, original: model, pruned: model });
    expect(textsOf(pageOf(without), "#cost .note")).toEqual(["Loading could not be measured: no file <b>"]);
  });

  it("has nothing to show of weights where pruning changed none", async () => {
    const model = reportModel(2, false);
    const verification = await verify({ original: model, pruned: model, samples });
    const html = await verifyReport({ verification, original: model, pruned: model });
    expect(textsOf(pageOf(html), "h1")).toEqual(["Pruned model"]);
    expect(textsOf(pageOf(html), ".layer")).toEqual([]);
    expect(flawsOf(html)).toEqual([]);
  });

  it("stays far below a megabyte for a real transformer", async () => {
    const original = useLitePath();
    const pruned = (await prune(original, { criterion: l1(), pattern: nm(2, 4) })).model;
    const verification: Verification = { status: "passed", checks: [], bytes: { original: 4, pruned: 4 } };
    const html = await verifyReport({ verification, original, pruned });
    expect(textsOf(pageOf(html), ".layer")).toHaveLength(10);
    expect(html.length).toBeLessThan(300_000);
  });
});
