import { existsSync } from "node:fs";

/** Where Debian puts Chromium; `.ci/run` installs it. */
const CHROMIUM = "/usr/bin/chromium";

/** Whether tests in a real browser can run; those that need one are skipped with a message where they cannot. */
export const hasChromium: boolean = existsSync(CHROMIUM);
