import type { Page } from "playwright-core";
import { openSession, sessionOptions } from "../../ort/open-session.js";
import { ortMessage } from "../../ort/ort-message.js";
import type { OrtSession } from "../../ort/ort-module.js";
import type { ResolvedOptions, Runner } from "../../runner.js";
import { RunnerError } from "../../runner-error.js";
import { readModelFile } from "../model-file.js";
import type { PageCalls } from "./page-calls.js";
import { openPageSession, PageTensor, type SessionPage } from "./page-session.js";
import { type BrowserHost, shareBrowser } from "./shared-browser.js";

/** The page's program, as the server names it. */
const PROGRAM = "/espalier/backends/browser/page.js";

/**
 * Opens a model with onnxruntime-web's WebAssembly in a page of its own, in a Chromium that all runners of this process share.
 *
 * A page of its own has its own threads and its own memory, which are gone with it.
 */
export async function openBrowserRunner(model: string | Uint8Array, options: ResolvedOptions): Promise<Runner> {
  const file = typeof model === "string" ? await readModelFile(model) : { model, externalData: new Map() };
  const externalData = new Map([...file.externalData, ...options.externalData]);
  const session = { ...sessionOptions({ ...options, externalData }), executionProviders: ["wasm"] };
  const page = await openPage(options.browser);
  try {
    const open = (): Promise<OrtSession> => openPageSession(page, file.model, options.threads, session);
    return await openSession("browser", { Tensor: PageTensor }, file.model, open);
  } catch (error) {
    await page.close();
    throw error;
  }
}

/** A page that waits for calls. */
async function openPage(browser: string | undefined): Promise<SessionPage> {
  const { host, done } = await shareBrowser(browser);
  const { path, calls } = host.server.addPage();
  const leave = async (): Promise<void> => {
    host.server.removePage(path);
    await done();
  };
  try {
    const page = await startPage(host, path, calls);
    const end = async (): Promise<void> => {
      calls.end(new RunnerError("closed", "The runner was closed; open the model again."));
      await page.close();
      await leave();
    };
    let ending: Promise<void> | undefined;
    // Once, however often it is asked for: the browser counts who leaves.
    const close = (): Promise<void> => {
      ending ??= end();
      return ending;
    };
    return { calls, close };
  } catch (cause) {
    await leave();
    throw new RunnerError("backend-failed", `the page in the browser does not start: ${ortMessage(cause)}`, { cause });
  }
}

async function startPage({ browser, server }: BrowserHost, path: string, calls: PageCalls): Promise<Page> {
  // In a context of its own: the pages of one share six connections, of which each keeps one.
  const page = await browser.newPage();
  const end = (reason: string): void => calls.end(new Error(reason));
  page.on("crash", () => end("the page crashed, as pages do when memory runs out"));
  page.on("close", () => end("the browser was closed"));
  page.on("pageerror", ({ message }) => end(`the page stopped: ${message}`));
  try {
    await page.goto(server.address);
    // Not awaited in the page: it answers calls for as long as it lives.
    await page.evaluate(
      `import(${JSON.stringify(PROGRAM)}).then(({ answerCalls }) => void answerCalls(${JSON.stringify(path)}))`,
    );
  } catch (error) {
    await page.close();
    throw error;
  }
  return page;
}
