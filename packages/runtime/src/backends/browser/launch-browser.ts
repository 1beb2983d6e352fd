import { constants } from "node:os";
import type { Browser, BrowserType } from "playwright-core";
import { ortMessage } from "../../ort/ort-message.js";
import { RunnerError } from "../../runner-error.js";

/** What Playwright does not ask for itself: no graphics processor, no guessing of protocols. Also in testkit's chromium.ts. */
const FLAGS = ["--disable-gpu", "--disable-quic"];

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Browsers that run, and those that start. */
const running = new Set<Promise<Browser>>();

/** The end of all browsers, once a signal ends this process. */
let ending: Promise<unknown> | undefined;

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
  // Before it starts: its profile is there before it is.
  if (running.size === 0) for (const signal of SIGNALS) process.on(signal, endTidily);
  // Playwright would end a process that has plans of its own for signals.
  const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const launching = chromium.launch({ executablePath: path, args: FLAGS, ...signals });
  running.add(launching);
  const forget = (): void => {
    running.delete(launching);
    if (running.size === 0) for (const signal of SIGNALS) process.off(signal, endTidily);
  };
  try {
    // Nobody goes on with a browser, or without one, while the process ends.
    const browser = await launching.finally(() => ending);
    return { browser, close: () => browser.close().finally(forget) };
  } catch (cause) {
    forget();
    throw new RunnerError("backend-failed", `${path} does not start: ${ortMessage(cause)}`, { cause });
  }
}

/**
 * Ends all browsers and then the process, as the signal would have; at once when it comes a second time. Who else listens to the
 * signal decides for himself.
 */
async function endTidily(signal: NodeJS.Signals): Promise<void> {
  if (process.listenerCount(signal) > 1) return;
  ending = Promise.allSettled([...running].map(async (launching) => (await launching).close()));
  running.clear();
  await ending;
  process.exit(128 + constants.signals[signal]);
}
