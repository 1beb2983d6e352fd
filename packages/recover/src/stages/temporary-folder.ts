import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RecoverError } from "../recover-error.js";

/** A folder for models that workers load, and for activations. */
export interface TemporaryFolder {
  readonly path: string;
  /** Removes it with all that is in it; a second call does nothing. */
  remove(): void;
}

/**
 * Makes a folder below the system's temporary folder. It is removed by `remove()`, and at the latest when the process exits.
 *
 * @throws {RecoverError} `write-failed`
 */
export function makeTemporaryFolder(): TemporaryFolder {
  const path = makeFolder();
  const clean = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", clean);
  return {
    path,
    remove: () => {
      process.removeListener("exit", clean);
      clean();
    },
  };
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "espalier-recover-"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `no folder for temporary files can be made in ${tmpdir()}: ${reason}. TMPDIR names another one`;
    throw new RecoverError("write-failed", message, { path: tmpdir(), cause });
  }
}
