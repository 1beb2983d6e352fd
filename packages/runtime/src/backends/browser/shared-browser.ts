import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserType } from "playwright-core";
import { loadPackage } from "../load-package.js";
import { findBrowser } from "./find-browser.js";
import { type LaunchedBrowser, launchBrowser } from "./launch-browser.js";
import { PageServer } from "./page-server.js";

/** A browser and the server of its pages. */
export interface BrowserHost {
  readonly browser: Browser;
  readonly server: PageServer;
}

/** One program and all who use it. */
interface Share {
  users: number;
  readonly starting: Promise<BrowserHost & Pick<LaunchedBrowser, "close">>;
}

/** By the path of the program. */
const shares = new Map<string, Share>();

/**
 * A running browser: the first user starts it, all share it, and with the last one it ends.
 *
 * @param asked path of the program; found by itself where it is undefined
 * @returns the host, and what to call once when done with it
 * @throws {RunnerError} `backend-missing`, `backend-failed`
 */
export async function shareBrowser(
  asked: string | undefined,
): Promise<{ host: BrowserHost; done: () => Promise<void> }> {
  const { chromium } = await loadPackage("playwright-core", () => import("playwright-core"));
  const runtime = await loadPackage("onnxruntime-web", async () => import.meta.resolve("onnxruntime-web"));
  const path = findBrowser(asked, chromium.executablePath());
  const share = shares.get(path) ?? { users: 0, starting: start(chromium, path, dirname(fileURLToPath(runtime))) };
  shares.set(path, share);
  share.users++;
  const done = async (): Promise<void> => {
    share.users--;
    if (share.users > 0) return;
    forget(path, share);
    await share.starting.then(({ close }) => close());
  };
  try {
    const host = await share.starting;
    // One that died, or did not start, is nothing to share: whoever asks next tries again.
    host.browser.once("disconnected", () => forget(path, share));
    return { host, done };
  } catch (error) {
    forget(path, share);
    throw error;
  }
}

function forget(path: string, share: Share): void {
  if (shares.get(path) === share) shares.delete(path);
}

async function start(chromium: BrowserType, path: string, runtimeFolder: string) {
  const server = await PageServer.start(runtimeFolder);
  try {
    const launched = await launchBrowser(chromium, path);
    const close = (): Promise<void> => launched.close().finally(() => server.stop());
    return { browser: launched.browser, server, close };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
