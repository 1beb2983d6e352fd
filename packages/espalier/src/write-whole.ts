import { randomBytes } from "node:crypto";
import { lstatSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EspalierError } from "./errors.js";

/**
 * Writes a file so that its name stands for the old content or the new one, never for a part. What is no file of its own, such as
 * `/dev/stdout` or a link, is not replaced but written to.
 *
 * @throws {EspalierError} `output`
 */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}.tmp`);
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true) {
      writeFileSync(temporary, content, { flush: true });
      renameSync(temporary, path);
    } else writeFileSync(path, content);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new EspalierError("output", `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
