import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { resolve } from "node:path";
import { type ByteSource, checkRange } from "./byte-source.js";
import { OnnxError } from "./errors.js";

/** One read call takes at most this; Node refuses lengths from 2 GiB on. */
const MAX_READ_BYTES = 2 ** 30;

/** Without it, opening a FIFO waits for a writer, for ever. Windows has no such flag. */
const NONBLOCK = constants.O_NONBLOCK ?? 0;

/**
 * A source over a regular file, which is opened for every read: nothing has to be closed, and a model can be read while
 * its own path is overwritten or thousands are open.
 *
 * @param given path, made absolute at once: changing the working folder later does not matter
 *
 * @throws {OnnxError} `read-failed` when the file is missing, unreadable or not a regular file. Reads throw `changed`
 *   when the file is not the same or not unchanged any more.
 */
export function fileSource(given: string): ByteSource {
  const path = resolve(given);
  const first = withFile(path, (_, stats) => stats);
  const readInto = (target: Uint8Array, offset: number): void => {
    checkRange(offset, target.length, first.size, path);
    withFile(path, (file, stats) => {
      if (!sameFile(first, stats)) throw changed(path);
      fill(file, target, offset, path);
    });
  };
  return {
    size: first.size,
    path,
    readInto,
    read: (offset, length) => {
      checkRange(offset, length, first.size, path);
      const bytes = new Uint8Array(length);
      readInto(bytes, offset);
      return bytes;
    },
  };
}

function withFile<Result>(path: string, use: (file: number, stats: Stats) => Result): Result {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | NONBLOCK);
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new OnnxError("read-failed", `${path} is no regular file`, { path });
    return use(file, stats);
  } catch (cause) {
    if (cause instanceof OnnxError) throw cause;
    throw new OnnxError("read-failed", `${path} cannot be read: ${reason(cause)}`, { path, cause });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function fill(file: number, target: Uint8Array, offset: number, path: string): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(file, target, done, Math.min(target.length - done, MAX_READ_BYTES), offset + done);
    if (count === 0) throw changed(path);
    done += count;
  }
}

function sameFile(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

function changed(path: string): OnnxError {
  return new OnnxError("changed", `${path} was changed or replaced since it was opened: read the model again`, {
    path,
  });
}

/** What a file system error says, in words for the common ones. */
export function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  const words: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    ENOTDIR: "part of the path is no folder",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EISDIR: "it is a folder",
    ELOOP: "its symbolic links form a loop",
    ENOSPC: "no space is left on the device",
    EROFS: "the file system is read-only",
    ENAMETOOLONG: "the name is too long",
  };
  return (code === undefined ? undefined : words[code]) ?? (error instanceof Error ? error.message : String(error));
}
