import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const CHROMIUM = "/usr/bin/chromium";
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

describe.skipIf(!existsSync(CHROMIUM))("in Chromium (skipped where /usr/bin/chromium is missing)", () => {
  let server: Server;
  let profile: string;

  beforeAll(async () => {
    profile = mkdtempSync(join(tmpdir(), "espalier-chromium-"));
    const page = `<pre id="out">nothing</pre><script type="module">
      import * as core from "/${MODULES[0]}"; import * as simd from "/${MODULES[1]}"; ${PROGRAM} document.getElementById("out").textContent = result;</script>`;
    server = createServer((request, response) => {
      if (request.url === "/") return response.setHeader("content-type", "text/html").end(page);
      const file = join(DIST, new URL(request.url!, "http://localhost").pathname);
      if (!existsSync(file)) return response.writeHead(404).end();
      return response
        .setHeader("content-type", extname(file) === ".js" ? "text/javascript" : "text/plain")
        .end(readFileSync(file));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    server.close();
    rmSync(profile, { recursive: true, force: true });
  });

  test("the page's main thread compiles the SIMD module and prunes", async () => {
    const flags =
      "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const arguments_ = [
      ...flags.split(" "),
      `--user-data-dir=${profile}`,
      "--virtual-time-budget=10000",
      "--dump-dom",
      address,
    ];
    const { stdout } = await promisify(execFile)(CHROMIUM, arguments_);
    expect(stdout).toContain(`<pre id="out">${EXPECTED}</pre>`);
  });
});
