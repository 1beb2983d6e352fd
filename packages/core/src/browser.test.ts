import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { hasChromium, launchChromium } from "@espalier/testkit";
import { expect, test } from "vitest";

const MODULES = ["index.js", "kernels/simd/simd-kernels.js"];
const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

/** Prunes eight weights to 2:4 and to half, by the kernels of the place it runs in, and says what is left. */
const PROGRAM = `
  const values = Float32Array.of(4, -1, 3, 2, -8, 7, 5, 6);
  const views = [core.denseMatrix("w", values, 1, 8)];
  const kept = (pattern) => {
    const { mask } = core.computeMasks(views, { criterion: core.l1(), pattern }).get("w");
    return [...core.applyMask(values, mask)].join(" ");
  };
  const result = kept(core.nm(2, 4)) + " | " + kept(core.unstructured(0.5)) + " | " + (simd.simdKernels() ? "SIMD" : "no SIMD");
`;
const EXPECTED = "4 0 3 0 -8 7 0 0 | 0 0 0 0 -8 7 5 6 | SIMD";

test("a worker thread prunes as the main thread does", async () => {
  const code = `
    const { parentPort } = require("node:worker_threads");
    const modules = ${JSON.stringify(MODULES.map((path) => pathToFileURL(join(DIST, path)).href))};
    Promise.all(modules.map((url) => import(url))).then(([core, simd]) => { ${PROGRAM} parentPort.postMessage(result); });
  `;
  const worker = new Worker(code, { eval: true });
  const result = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  await worker.terminate();
  expect(result).toBe(EXPECTED);
});

test.skipIf(!hasChromium)(
  "the main thread of a page in Chromium compiles the SIMD module and prunes (skipped where /usr/bin/chromium is missing)",
  async () => {
    const browser = await launchChromium();
    const page = await browser.newPage();
    await page.route("http://espalier.test/**", (route) => {
      const { pathname } = new URL(route.request().url());
      return pathname === "/" ? route.fulfill({ body: "" }) : route.fulfill({ path: join(DIST, pathname) });
    });
    await page.goto("http://espalier.test/");
    const result = await page.evaluate(`(async () => {
      const [core, simd] = await Promise.all(${JSON.stringify(MODULES)}.map((path) => import("/" + path)));
      ${PROGRAM}
      return result;
    })()`);
    await browser.close();
    expect(result).toBe(EXPECTED);
  },
);
