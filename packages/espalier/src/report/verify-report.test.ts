import { l1, nm } from "@espalier/core";
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
