import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { pageOf } from "../../test/report-page.js";
import { loadDrawing } from "./drawing.js";

/** Refuses to load what plots need. */
const HOOK = `export function resolve(name, context, next) {
  if (/^@observablehq|^linkedom/.test(name)) throw new Error("loaded " + name);
  return next(name, context);
}`;

/** Runs a module that may use the package by its name, without what plots need. */
function withoutPlots(code: string) {
  const hook = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(HOOK)}`)});`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", `${hook}\n${code}`], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    encoding: "utf8",
  });
}

describe("loadDrawing", () => {
  it("loads the libraries when a report is made, not with the package", () => {
    expect(withoutPlots(`await import("espalier"); console.log("fine")`).stdout).toBe("fine\n");
    const report = withoutPlots(
      `const { sweepReport } = await import("espalier"); await sweepReport({ rows: [], originals: [] })`,
    );
    expect(report.stderr).toContain("loaded @observablehq/plot");
  });

  it("draws with the label that is read out, exactly, and nothing that the page has once", async () => {
    const { Plot, svg } = await loadDrawing();
    const label = `a "b" & <c> $& &lt;`;
    const page = pageOf(`<!doctype html><body>${svg(label, { marks: [Plot.dot([[1, 2]])] }).text}`);
    const plots = [...page.querySelectorAll("svg")];
    expect(plots).toHaveLength(1);
    expect(plots[0]!.getAttribute("aria-label")).toBe(label);
    expect([...page.querySelectorAll("style, [aria-label] [aria-label]")]).toEqual([]);
  });
});
