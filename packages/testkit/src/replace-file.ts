import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

let written = 0;

/**
 * Writes a file so that readers see the old one or the whole new one: `write` fills a temporary file in the same folder,
 * which then takes the name `path`. Makes the folder when it is missing; leaves nothing behind when `write` throws.
 */
export function replaceFile(path: string, write: (temporary: string) => void): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  written += 1;
  const temporary = join(folder, `.${process.pid}-${written}.part`);
  try {
    write(temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
