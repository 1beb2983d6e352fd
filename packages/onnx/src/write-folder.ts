import { mkdirSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { OnnxError } from "./errors.js";
import { statIfThere, writing } from "./staged-file.js";

/**
 * Refuses an output path whose folder is not there.
 *
 * @throws {OnnxError} `write-failed`
 */
export function checkFolder(path: string): void {
  const folder = statIfThere(dirname(path));
  if (folder?.isDirectory()) return;
  const what = folder === undefined ? "does not exist: create it first" : "is no folder";
  throw new OnnxError("write-failed", `${path} cannot be written: ${dirname(path)} ${what}`, { path });
}

/**
 * The folder at a relative path below another one, created where it is missing.
 *
 * @throws {OnnxError} `external-escape` when a symbolic link leads out; `write-failed`
 */
export function folderInside(folder: string, below: string): string {
  const path = join(folder, below);
  writing(path, () => mkdirSync(path, { recursive: true }));
  if (isInside(realpathSync(folder), realpathSync(path))) return path;
  const message = `${path} leads outside ${folder}: data files are only written below the model's folder`;
  throw new OnnxError("external-escape", message, { path });
}

/** Whether a path is a folder or something in it; both are free of links. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way !== ".." && !way.startsWith(`..${sep}`);
}
