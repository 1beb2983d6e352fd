import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { deserialize, serialize } from "node:v8";
import type { Outputs } from "@espalier/verify";
import { EspalierError } from "../errors.js";

/** Where the outputs of a sample stand: offset and length, both in bytes. */
type Place = readonly [offset: number, length: number];

/** The last bytes of a file say how long its list of places is. */
const TAIL = 8;

/**
 * Writes the outputs of one sample after the other to a file, for {@link RecordedOutputs}; only one sample's are in memory. The
 * file appears under its name when it is complete.
 *
 * @throws {EspalierError} `output`
 */
export async function recordOutputs(path: string, outputs: AsyncIterable<Outputs>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = openSync(temporary, "w");
    try {
      await writeAll(file, outputs);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    if (existsSync(temporary)) rmSync(temporary);
    if (!isSystemError(cause)) throw cause;
    throw new EspalierError("output", `cannot write ${path}: ${cause.message}`, { cause });
  }
}

async function writeAll(file: number, outputs: AsyncIterable<Outputs>): Promise<void> {
  const places: Place[] = [];
  let offset = 0;
  const append = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    offset += bytes.length;
  };
  for await (const one of outputs) {
    const bytes = serialize(one);
    places.push([offset, bytes.length]);
    append(bytes);
  }
  const index = Buffer.from(JSON.stringify(places));
  const tail = Buffer.alloc(TAIL);
  tail.writeDoubleLE(index.length);
  append(index);
  append(tail);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

/** The outputs of a model for all samples, read from a file one sample at a time. */
export class RecordedOutputs {
  readonly #file: number;
  readonly #places: readonly Place[];

  /** @param path of a file that {@link recordOutputs} wrote; it stays open until {@link close} */
  constructor(path: string) {
    this.#file = openSync(path, "r");
    const { size } = fstatSync(this.#file);
    const length = Buffer.from(this.#read(size - TAIL, TAIL)).readDoubleLE();
    this.#places = JSON.parse(Buffer.from(this.#read(size - TAIL - length, length)).toString());
  }

  /** Outputs of a sample, by its index from 0. */
  at(sample: number): Outputs {
    return deserialize(this.#read(...this.#places[sample]!));
  }

  close(): void {
    closeSync(this.#file);
  }

  #read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const read = readSync(this.#file, bytes, done, length - done, offset + done);
      if (read === 0)
        throw new EspalierError(
          "output",
          "the recorded outputs of the original end early: remove the folder work and start again",
        );
      done += read;
    }
    return bytes;
  }
}
