import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { nm } from "@espalier/core";
import { hasChromium, launchChromium } from "@espalier/testkit";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOSTILE, reportModel } from "../../test/report-models.js";
import { syntheticSweep } from "../../test/synthetic-sweep.js";
import { verify } from "../verify.js";
import { sweepReport } from "./sweep-report.js";
import { verifyReport } from "./verify-report.js";

async function verification(): Promise<string> {
  const [original, pruned] = [reportModel(16, false), reportModel(16, true)];
  const labels = Array.from({ length: 20 }, (_, sample) => sample);
  const samples = labels.map((sample) => {
    const data = Float32Array.from({ length: 64 }, (_, at) => Math.cos(at * (sample + 1)));
    return { x: { dtype: "float32" as const, dims: [1, 64], data } };
  });
  const limits = { pattern: nm(2, 4), maxOutputError: 0.1, maxAccuracyDrop: 0.01, latencyRuns: 12, gzip: true };
  const judged = await verify({ original, pruned, samples, labels, ...limits });
  return verifyReport({
    verification: judged,
    original,
    pruned,
    title: HOSTILE.repeat(3),
    commands: ["x".repeat(200)],
  });
}

const sweep = (): Promise<string> =>
  sweepReport(
    syntheticSweep({
      models: ["use-lite", HOSTILE.repeat(2)],
      budget: { text: "drop<=0.05,bytes<=20MB", best: 9 },
      layers: Array.from({ length: 40 }, (_, layer) => `${HOSTILE}${layer}`),
    }),
    { pictured: { original: reportModel(2, false), pruned: reportModel(2, true) } },
  );

/** A page with a report on it, and all that it said or asked for. */
async function opened(browser: Browser, file: string, width: number, colorScheme: "light" | "dark") {
  const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
  const noise: string[] = [];
  page.on("console", (message) => noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(String(error)));
  page.on("request", (request) => noise.push(request.url()));
  await page.goto(pathToFileURL(file).href);
  return { page, noise: () => noise.filter((said) => !said.startsWith("data:") && !said.endsWith(".html")) };
}

/** Violations that keep people out, as axe-core finds them. */
function violations(page: Page): Promise<string[]> {
  return page.evaluate(`${axe.source}; axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html.slice(0, 200))))`);
}

/** Elements that stick out of the window and are not in a region that scrolls. */
function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll("body *")]
    .filter((element) => !element.closest(".scroll, .skip, thead") && element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => element.outerHTML.slice(0, 120))`);
}

describe.skipIf(!hasChromium).each([
  ["verifyReport", verification],
  ["sweepReport", sweep],
] as const)("%s in Chromium (skipped where /usr/bin/chromium is missing)", (_, make) => {
  let browser: Browser;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "espalier-report-"));
    file = join(folder, "report.html");
    writeFileSync(file, await make());
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    [360, "light"],
    [360, "dark"],
    [1280, "light"],
    [1280, "dark"],
  ] as const)("fits a window of %i pixels and is silent: %s", async (width, scheme) => {
    const { page, noise } = await opened(browser, file, width, scheme);
    const wide = await page.evaluate("document.documentElement.scrollWidth");
    expect(await overflowing(page)).toEqual([]);
    expect(wide).toBe(width);
    const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(background).toBe(scheme === "light" ? "rgb(252, 252, 250)" : "rgb(19, 23, 21)");
    await page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true");
    expect(await overflowing(page)).toEqual([]);
    expect(noise()).toEqual([]);
    await page.close();
  });

  it.each([
    [360, "dark"],
    [1280, "light"],
  ] as const)("keeps nobody out, by axe-core, in a window of %i pixels: %s", async (width, scheme) => {
    const { page } = await opened(browser, file, width, scheme);
    await page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true");
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  it("shows one drawing of each plot, with text of at least 10 pixels", async () => {
    for (const width of [360, 1280]) {
      const { page } = await opened(browser, file, width, "light");
      const sizes =
        (await page.evaluate(`[...document.querySelectorAll("main svg")].filter((svg) => svg.checkVisibility())
        .map((svg) => 11 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)`)) as number[];
      expect(sizes.length).toBeGreaterThan(4);
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(10);
      const both = await page.evaluate(`[...document.querySelectorAll("figure")].filter((figure) =>
        [...figure.querySelectorAll(".wide, .narrow")].filter((one) => one.checkVisibility()).length === 2).length`);
      expect(both).toBe(0);
      await page.close();
    }
  });

  it("can be walked through by keyboard, and shows where it is", async () => {
    const { page } = await opened(browser, file, 1280, "light");
    const stops: string[] = [];
    for (let stop = 0; stop < 40; stop++) {
      await page.keyboard.press("Tab");
      const { name, outline } =
        (await page.evaluate(`({ name: document.activeElement.className || document.activeElement.tagName,
        outline: getComputedStyle(document.activeElement).outlineStyle })`)) as { name: string; outline: string };
      if (name === "BODY") break;
      expect(outline, name).not.toBe("none");
      stops.push(name);
    }
    expect(stops[0]).toBe("skip");
    for (const kind of ["A", "scroll", "SUMMARY"]) expect(stops).toContain(kind);
    await page.close();
  });
});
