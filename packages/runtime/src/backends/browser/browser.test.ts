import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRunner } from "@espalier/runtime";
import { buildModel, hasChromium, node, valueInfo } from "@espalier/testkit";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

/** What the browser backend does beyond the contract: a browser starts, is shared, and is gone in the end. */

const ENTRY = new URL("../../../dist/index.js", import.meta.url).href;

const doubled = buildModel({
  nodes: [node("Add", ["x", "x"], ["y"])],
  inputs: [valueInfo("x", "float32", ["N"])],
  outputs: [valueInfo("y", "float32", ["N"])],
});

/** Processes whose command line holds all the words, by their numbers. Linux lists them as files. */
function processesWith(...words: string[]): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => words.every((word) => commandLine(pid).includes(word)))
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

/** Each test process gets a folder for temporary files of its own, whose name marks the browser's command lines. */
let folder: string;
let count = 0;
const started: ChildProcess[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-browser-"));
});
afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

/** Runs a module in a fresh Node process; resolves when it prints READY, or ends. */
async function startNode(script: string, { env = {}, hooks = "" } = {}) {
  const name = `run-${++count}`;
  const temporary = mkdtempSync(join(folder, `${name}-`));
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `const { openRunner } = await import(${JSON.stringify(ENTRY)});
     const doubled = new Uint8Array(Buffer.from("${Buffer.from(doubled).toString("base64")}", "base64"));
     const open = (options) => openRunner(doubled, { ...options, backend: "browser" });
     const x = { dtype: "float32", dims: [2], data: Float32Array.of(1, 2) };
     ${script}`,
  );
  const source = `data:text/javascript,${encodeURIComponent(hooks)}`;
  const register = `data:text/javascript,${encodeURIComponent(`import { register } from "node:module"; register(${JSON.stringify(source)});`)}`;
  const child = spawn(process.execPath, [...(hooks ? ["--import", register] : []), file], {
    env: { ...process.env, TMPDIR: temporary, NODE_NO_WARNINGS: "1", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(child);
  let output = "";
  // Not "exit", which may come before the last of the output.
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  const ready = new Promise<void>((resolve) => {
    child.stdout!.on("data", (text) => {
      output += text;
      if (output.includes("READY")) resolve();
    });
  });
  await Promise.race([ready, ended]);
  return { child, ended, temporary, output: () => output };
}

describe("a missing browser", () => {
  const failing = `const { code, message } = await open().then(() => ({}), (error) => error); console.log(JSON.stringify({ code, message }));`;

  it("is an error that names the option or the variable whose path is wrong", async () => {
    await expect(openRunner(doubled, { backend: "browser", browser: "/no/such/chromium" })).rejects.toMatchObject({
      code: "backend-missing",
      message: "browser: there is no browser at /no/such/chromium. Give the path of a Chromium.",
    });
    const run = await startNode(failing, { env: { ESPALIER_BROWSER: "/none" } });
    await run.ended;
    expect(JSON.parse(run.output())).toEqual({
      code: "backend-missing",
      message: "ESPALIER_BROWSER: there is no browser at /none. Give the path of a Chromium.",
    });
  });

  it("says what to install and where it was looked for", async () => {
    const hooks = `export async function resolve(specifier, context, next) {
      const fake = specifier === "node:fs" && context.parentURL.endsWith("find-browser.js");
      return fake ? { url: "data:text/javascript,export const existsSync = () => false;", shortCircuit: true } : next(specifier, context);
    }`;
    const run = await startNode(failing, { hooks, env: { ESPALIER_BROWSER: "" } });
    await run.ended;
    const { code, message } = JSON.parse(run.output());
    expect(code).toBe("backend-missing");
    expect(message).toMatch(/^No Chromium was found\. Install it \(Debian, Ubuntu: apt-get install chromium;/);
    expect(message).toContain("ESPALIER_BROWSER");
    expect(message).toMatch(/Looked at: .+ms-playwright/);
  });

  it("is told apart from a missing playwright-core, and from a program that is no browser", async () => {
    const hooks = `export async function resolve(specifier, context, next) {
      if (specifier !== "playwright-core") return next(specifier, context);
      throw Object.assign(new Error("Cannot find package 'playwright-core' imported from /app/x.js"), { code: "ERR_MODULE_NOT_FOUND" });
    }`;
    const run = await startNode(failing, { hooks });
    await run.ended;
    expect(JSON.parse(run.output())).toEqual({
      code: "backend-missing",
      message: "playwright-core is not installed. Add it to your project: npm install playwright-core",
    });
    const noBrowser = await startNode(failing, { env: { ESPALIER_BROWSER: process.execPath } });
    // Nothing keeps the process.
    expect(await noBrowser.ended).toEqual([0, null]);
    expect(JSON.parse(noBrowser.output())).toMatchObject({ code: "backend-failed" });
  });
});

describe.skipIf(!hasChromium || process.platform !== "linux")(
  "a browser (skipped where /usr/bin/chromium or /proc is missing)",
  () => {
    it("is one for several runners, and is gone with its profile when the last is closed", async () => {
      const run = await startNode(
        `const [first, second] = await Promise.all([open(), open()]);
         const asked = new Promise((resolve) => process.once("SIGUSR2", resolve));
         console.log("READY");
         await asked;
         await first.close();
         const { y } = await second.run({ x });
         await second.close();
         const { readdirSync } = await import("node:fs");
         console.log(JSON.stringify({ y: [...y.data], left: readdirSync(process.env.TMPDIR) }));`,
      );
      // The browser's helpers say what type they are, once they are no copies of it any more; its crash handler is a program of
      // another name.
      const browsers = () => {
        const programs = processesWith(run.temporary).map((pid) => commandLine(`${pid}`).split("\0"));
        return programs.filter(
          ([program, ...words]) => program!.endsWith("/chromium") && !words.some((word) => word.startsWith("--type=")),
        );
      };
      await expect.poll(() => browsers().length, { timeout: 20_000 }).toBe(1);
      run.child.kill("SIGUSR2");
      // Nothing keeps the process any more.
      expect(await run.ended).toEqual([0, null]);
      expect(JSON.parse(run.output().replace("READY", ""))).toEqual({ y: [2, 4], left: [] });
      await expect.poll(() => processesWith(run.temporary), { timeout: 20_000 }).toEqual([]);
    });

    const wait = `console.log("READY"); setInterval(() => {}, 1000);`;

    it.each([
      ["SIGINT", 130],
      ["SIGTERM", 143],
      ["SIGHUP", 129],
    ] as const)("leaves nothing after %s", async (signal, code) => {
      const run = await startNode(`await open(); ${wait}`);
      expect(processesWith(run.temporary).length).toBeGreaterThan(1);
      run.child.kill(signal);
      expect(await run.ended).toEqual([code, null]);
      await expect.poll(() => processesWith(run.temporary), { timeout: 20_000 }).toEqual([]);
      expect(readdirSync(run.temporary)).toEqual([]);
    });

    it("that is still starting leaves nothing after a signal", async () => {
      const run = await startNode(`console.log("READY"); await open(); ${wait}`);
      const profile = () =>
        readdirSync(run.temporary).some((name) => name.startsWith("playwright_chromiumdev_profile"));
      await expect.poll(profile, { timeout: 20_000, interval: 5 }).toBe(true);
      run.child.kill("SIGTERM");
      expect(await run.ended).toEqual([143, null]);
      await expect.poll(() => processesWith(run.temporary), { timeout: 20_000 }).toEqual([]);
      expect(readdirSync(run.temporary)).toEqual([]);
    });

    it("leaves a process that listens to signals itself alone", async () => {
      const run = await startNode(
        `const runner = await open();
         process.once("SIGINT", async () => { console.log([...(await runner.run({ x })).y.data].join()); await runner.close(); });
         console.log("READY");`,
      );
      run.child.kill("SIGINT");
      expect(await run.ended).toEqual([0, null]);
      expect(run.output()).toContain("2,4");
    });

    it("leaves no profile after process.exit, and no process after SIGKILL", async () => {
      const exited = await startNode(`await open(); process.exit(7);`);
      expect(await exited.ended).toEqual([7, null]);
      await expect.poll(() => processesWith(exited.temporary), { timeout: 20_000 }).toEqual([]);
      // What is left is Chromium's own, a name for its socket.
      expect(readdirSync(exited.temporary).filter((name) => !name.startsWith("org.chromium."))).toEqual([]);
      const killed = await startNode(`await open(); ${wait}`);
      killed.child.kill("SIGKILL");
      await killed.ended;
      await expect.poll(() => processesWith(killed.temporary), { timeout: 20_000 }).toEqual([]);
    });

    it("that dies fails the run under way and those to come, and the next model gets a new one", async () => {
      const run = await startNode(
        `const runner = await open();
         const asked = new Promise((resolve) => process.once("SIGUSR2", resolve));
         console.log("READY");
         await asked;
         const errors = [await runner.run({ x }).catch((error) => error), await runner.run({ x }).catch((error) => error)];
         await runner.close();
         const next = await open();
         console.log(JSON.stringify([errors.map(({ code }) => code), [...(await next.run({ x })).y.data]]));
         await next.close();`,
      );
      for (const pid of processesWith(run.temporary)) process.kill(pid, "SIGKILL");
      run.child.kill("SIGUSR2");
      expect(await run.ended).toEqual([0, null]);
      expect(JSON.parse(run.output().replace("READY", ""))).toEqual([
        ["run-failed", "run-failed"],
        [2, 4],
      ]);
    });

    it("gives every model the threads that it asks for", async () => {
      const run = await startNode(
        `const runners = [await open({ threads: 1 }), await open({ threads: 3 })];
         const results = await Promise.all(runners.map(async (runner) => (await runner.run({ x })).y.data.join()));
         console.log(results.join(" ") + " READY");
         setInterval(() => {}, 1000);`,
      );
      expect(run.output()).toContain("2,4 2,4");
      const workers = processesWith(run.temporary, "--type=renderer").map((pid) => workerThreads(pid));
      // The page's own thread is one of them; pages that hold no model have none.
      expect(workers.filter((threads) => threads > 0)).toEqual([2]);
      run.child.kill("SIGTERM");
      await run.ended;
    });
  },
);

describe.skipIf(!hasChromium)("a failure of the browser (skipped where /usr/bin/chromium is missing)", () => {
  /** Opens a runner and hands out its browser. */
  async function openWatched() {
    let browser: Browser | undefined;
    const launch = chromium.launch.bind(chromium);
    vi.spyOn(chromium, "launch").mockImplementation(async (options) => {
      browser = await launch(options);
      return browser;
    });
    const runner = await openRunner(doubled, { backend: "browser" });
    return { runner, browser: browser! };
  }
  afterEach(() => vi.restoreAllMocks());

  it.each(["goto", "evaluate"] as const)("in a page's %s leaves no page", async (step) => {
    const { runner, browser } = await openWatched();
    const newPage = browser.newPage.bind(browser);
    vi.spyOn(browser, "newPage").mockImplementation(async () => {
      const page: Page = await newPage();
      vi.spyOn(page, step).mockRejectedValue(new Error("not today"));
      return page;
    });
    await expect(openRunner(doubled, { backend: "browser" })).rejects.toMatchObject({
      code: "backend-failed",
      message: "the page in the browser does not start: not today",
    });
    const pages = browser.contexts().flatMap((context) => context.pages());
    await runner.close();
    expect(pages).toHaveLength(1);
  });

  it("that does not close is told, and leaves no server", async () => {
    const { runner, browser } = await openWatched();
    const [page] = browser.contexts().flatMap((context) => context.pages());
    const address = page!.url();
    expect((await fetch(address)).ok).toBe(true);
    const close = browser.close.bind(browser);
    vi.spyOn(browser, "close").mockRejectedValue(new Error("not today"));
    await expect(runner.close()).rejects.toThrow("not today");
    await expect(fetch(address)).rejects.toThrow();
    await close();
  });
});

/** Threads of web workers in a process. */
function workerThreads(pid: number): number {
  const names = readdirSync(`/proc/${pid}/task`).map((task) => readFileSync(`/proc/${pid}/task/${task}/comm`, "utf8"));
  return names.filter((name) => name.startsWith("DedicatedWorker")).length;
}
