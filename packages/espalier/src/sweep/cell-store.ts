import { accessSync, constants, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EspalierError } from "../errors.js";
import { writeWhole } from "../write-whole.js";

/**
 * Keeps what is finished in a folder, one JSON file for each key, so that it outlives the process however that ends.
 */
export class CellStore {
  readonly #folder: string;

  /** @param folder made where it does not exist @throws {EspalierError} `output` when it cannot be made or written */
  constructor(folder: string) {
    this.#folder = folder;
    makeFolder(this.#folder);
  }

  /** What is kept by a key; undefined where there is nothing, or something that this version did not write. */
  find<Value>(key: string): Value | undefined {
    try {
      const file = JSON.parse(readFileSync(this.#path(key), "utf8"));
      return file.key === key ? file.value : undefined;
    } catch {
      return undefined;
    }
  }

  /** @throws {EspalierError} `output` */
  save(key: string, value: unknown): void {
    writeWhole(this.#path(key), `${JSON.stringify({ key, value }, null, 2)}\n`);
  }

  /** Forgets what is kept by a key. */
  remove(key: string): void {
    rmSync(this.#path(key), { force: true });
  }

  #path(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}

/** Makes a folder and those above it. @throws {EspalierError} `output` when that is impossible, or it cannot be written */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new EspalierError("output", `cannot write into ${folder}: ${(cause as Error).message}`, { cause });
  }
}
