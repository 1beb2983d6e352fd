import { constants } from "node:os";
import type { Browser, BrowserType } from "playwright-core";
import { ortMessage } from "../../ort/ort-message.js";
import { RunnerError } from "../../runner-error.js";

/** What Playwright does not ask for itself: no graphics processor, no guessing of protocols. */
const FLAGS = ["--disable-gpu", "--disable-quic"];

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Browsers that run. */
const running = new Set<Browser>();

/** A running browser. */
export interface LaunchedBrowser {
  readonly browser: Browser;
  /** Ends it; nothing of it is left. */
  close(): Promise<void>;
}

/**
 * Starts a browser that ends with this process, however that ends. Its profile goes with it unless this process is killed by
 * SIGKILL.
 *
 * @param path of the program
 * @throws {RunnerError} `backend-failed`
 */
export async function launchBrowser(chromium: BrowserType, path: string): Promise<LaunchedBrowser> {
  // Playwright would end a process that has plans of its own for signals.
  const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const browser = await chromium.launch({ executablePath: path, args: FLAGS, ...signals }).catch((cause: unknown) => {
    throw new RunnerError("backend-failed", `${path} does not start: ${ortMessage(cause)}`, { cause });
  });
  if (running.size === 0) for (const signal of SIGNALS) process.on(signal, endTidily);
  running.add(browser);
  const close = async (): Promise<void> => {
    await browser.close();
    running.delete(browser);
    if (running.size === 0) for (const signal of SIGNALS) process.off(signal, endTidily);
  };
  return { browser, close };
}

/**
 * Ends all browsers and then the process, as the signal would have; at once when it comes a second time. Who else listens to the
 * signal decides for himself.
 */
async function endTidily(signal: NodeJS.Signals): Promise<void> {
  if (process.listenerCount(signal) > 1) return;
  const ending = [...running].map((browser) => browser.close());
  running.clear();
  await Promise.allSettled(ending);
  process.exit(128 + constants.signals[signal]);
}
