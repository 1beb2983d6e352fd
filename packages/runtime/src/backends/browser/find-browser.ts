import { existsSync } from "node:fs";
import { join } from "node:path";
import { RunnerError } from "../../runner-error.js";

/** The environment variable that names a browser. */
const VARIABLE = "ESPALIER_BROWSER";

/**
 * Finds a Chromium: the one asked for, that of `ESPALIER_BROWSER`, one where systems put it, one that Playwright has downloaded.
 *
 * @param asked the caller's option
 * @param downloaded where Playwright would have put its own
 * @returns path of the program
 * @throws {RunnerError} `backend-missing` with all places looked at and what to install
 */
export function findBrowser(asked: string | undefined, downloaded: string): string {
  const named = asked ?? (process.env[VARIABLE] || undefined);
  if (named !== undefined) {
    if (existsSync(named)) return named;
    const source = asked === undefined ? VARIABLE : "browser";
    throw new RunnerError(
      "backend-missing",
      `${source}: there is no browser at ${named}. Give the path of a Chromium.`,
    );
  }
  const places = [...usualPlaces(process.platform), downloaded].filter((path) => path !== "");
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new RunnerError(
    "backend-missing",
    `No Chromium was found. Install it (Debian, Ubuntu: apt-get install chromium; anywhere: npx playwright-core install chromium), ` +
      `or give its path in ${VARIABLE} or the option browser. Looked at: ${places.join(", ")}.`,
  );
}

function usualPlaces(platform: NodeJS.Platform): readonly string[] {
  if (platform === "darwin") {
    return ["Google Chrome", "Chromium", "Microsoft Edge"].map(
      (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
    );
  }
  if (platform === "win32") {
    const folders = ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].flatMap((name) => process.env[name] ?? []);
    const programs = ["Google\\Chrome\\Application\\chrome.exe", "Microsoft\\Edge\\Application\\msedge.exe"];
    return programs.flatMap((program) => folders.map((folder) => join(folder, program)));
  }
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
  return [...names.map((name) => `/usr/bin/${name}`), "/snap/bin/chromium"];
}
