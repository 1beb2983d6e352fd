import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, type Stats, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { OnnxError } from "./errors.js";
import { reason } from "./file-source.js";

/** One write call takes at most this; Node refuses lengths from 2 GiB on. */
const MAX_WRITE_BYTES = 2 ** 30;

/** Characters of a file's name in its temporary name: a name of the greatest length has room for nothing more. */
const SHOWN_NAME = 48;

/** A file that is complete on disk under a temporary name, waiting to be renamed. */
export interface StagedFile {
  readonly temporary: string;
  /** The name it is to get. */
  readonly path: string;
}

/** Work that can be stopped between two steps: `throw` or `return`, and it tidies up. */
export type Steps<Result> = Generator<void, Result, undefined>;

/**
 * Writes a file under a temporary name in the folder of `path`, and syncs it; a step is one piece.
 *
 * @param pieces the content in order; errors it throws itself come out unchanged
 * @throws {OnnxError} `write-failed`; nothing is left on disk then
 */
export function* stageFile(path: string, pieces: Iterable<Uint8Array>): Steps<StagedFile> {
  const name = basename(path).slice(0, SHOWN_NAME);
  const temporary = join(dirname(path), `.${name}.${randomBytes(6).toString("hex")}.tmp`);
  const mode = (statIfThere(path)?.mode ?? 0o666) & 0o777;
  const file = writing(path, () => openSync(temporary, "wx", mode));
  let complete = false;
  try {
    for (const piece of pieces) {
      writing(path, () => writeAll(file, piece));
      yield;
    }
    writing(path, () => fsyncSync(file));
    complete = true;
  } finally {
    // Also when the caller just stops asking for steps, which no catch would see.
    closeSync(file);
    if (!complete) rmSync(temporary, { force: true });
  }
  return { temporary, path };
}

/**
 * Gives staged files their names, in order. If that fails, none of them stays, except where it replaced another file.
 *
 * @throws {OnnxError} `write-failed`
 */
export function commitFiles(files: readonly StagedFile[]): void {
  const created: string[] = [];
  try {
    for (const { temporary, path } of files) {
      const isNew = statIfThere(path) === undefined;
      writing(path, () => renameSync(temporary, path));
      if (isNew) created.push(path);
      syncFolder(dirname(path));
    }
  } catch (error) {
    for (const path of created) rmSync(path, { force: true });
    throw error;
  }
}

/** Removes staged files that were not committed. */
export function discardFiles(files: readonly StagedFile[]): void {
  for (const { temporary } of files) rmSync(temporary, { force: true });
}

/** What is at a path, links followed; undefined when there is nothing. */
export function statIfThere(path: string): Stats | undefined {
  return writing(path, () => statSync(path, { throwIfNoEntry: false }));
}

/** Turns errors of the file system into `write-failed`. */
export function writing<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    throw new OnnxError("write-failed", `${path} cannot be written: ${reason(cause)}`, { path, cause });
  }
}

function writeAll(file: number, piece: Uint8Array): void {
  for (let done = 0; done < piece.length; ) {
    done += writeSync(file, piece, done, Math.min(piece.length - done, MAX_WRITE_BYTES));
  }
}

/** Makes a rename durable. Systems that cannot open folders (Windows) do it on their own. */
function syncFolder(folder: string): void {
  let handle: number;
  try {
    handle = openSync(folder, "r");
  } catch {
    return;
  }
  try {
    fsyncSync(handle);
  } catch {
    // Some file systems cannot sync a folder; the rename has happened all the same.
  } finally {
    closeSync(handle);
  }
}
