import { existsSync } from "node:fs";
import type { Browser } from "playwright-core";

/** Where Debian puts Chromium; `.ci/run` installs it. */
const CHROMIUM = "/usr/bin/chromium";

/** Those of the runtime's launch-browser.ts, which this package, being beneath it, cannot import. */
const FLAGS = ["--disable-gpu", "--disable-quic"];

/** Whether tests in a real browser can run; those that need one are skipped with a message where they cannot. */
export const hasChromium: boolean = existsSync(CHROMIUM);

/** A Chromium without a window that talks to nobody but the pages it is sent to. The caller closes it. */
export async function launchChromium(): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}
