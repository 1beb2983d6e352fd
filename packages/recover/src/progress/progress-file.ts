import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { Packr } from "msgpackr";
import { RecoverError } from "../recover-error.js";
import type { LayerSolution } from "../solve/layer-task.js";

/** Which solution: the attempt (a step of a schedule), from 0, and the weight's name. */
export interface SolutionKey {
  readonly attempt: number;
  readonly weight: string;
}

interface Entry extends SolutionKey {
  readonly solution: LayerSolution;
}

/** The first record: what run the others belong to. */
interface Header {
  readonly format: "espalier.progress";
  readonly version: 1;
  readonly run: string;
}

/** What is in a file. */
interface Content {
  readonly finished: Map<string, LayerSolution>;
  /** Where the last whole record ends. */
  readonly end: number;
}

/** Bytes of the length in front of each record, little-endian. */
const LENGTH_BYTES = 4;

/**
 * Solutions of layers on disk, so that a run that was killed does not compute them again. Records are appended and synced one by one:
 * each is a length (u32, little-endian) and a MessagePack document, the first says which run it is. What a kill left of the last
 * record is cut off.
 */
export class ProgressFile {
  readonly #path: string;
  readonly #file: number;
  readonly #finished: Map<string, LayerSolution>;
  /** Where the next record goes. */
  #end: number;

  private constructor(path: string, file: number, { finished, end }: Content) {
    this.#path = path;
    this.#file = file;
    this.#finished = finished;
    this.#end = end;
  }

  /**
   * Starts a new file; with `resume` goes on with the one that is there.
   *
   * @param run digest of everything that solutions depend on
   * @throws {RecoverError} `bad-option` when the file to go on with is of another run or no such file; `read-failed`, `write-failed`
   */
  static open(path: string, run: string, resume: boolean): ProgressFile {
    const bytes = resume ? contentOf(path) : undefined;
    const content = bytes === undefined ? { finished: new Map(), end: 0 } : parse(path, bytes, run);
    const file = writing(path, () => openSync(path, bytes === undefined ? "w" : "r+"));
    const progress = new ProgressFile(path, file, content);
    if (bytes === undefined) progress.#append({ format: "espalier.progress", version: 1, run });
    else writing(path, () => ftruncateSync(file, content.end));
    return progress;
  }

  /** Number of solutions that are there. */
  get size(): number {
    return this.#finished.size;
  }

  find(key: SolutionKey): LayerSolution | undefined {
    return this.#finished.get(textOf(key));
  }

  /** @throws {RecoverError} `write-failed` */
  add(key: SolutionKey, solution: LayerSolution): void {
    this.#append({ ...key, solution });
    this.#finished.set(textOf(key), solution);
  }

  /** The run has come to its end, so nobody will go on with it. */
  remove(): void {
    this.close();
    rmSync(this.#path, { force: true });
  }

  /** Leaves the file for a later run. */
  close(): void {
    closeSync(this.#file);
  }

  #append(record: Header | Entry): void {
    const body = packer().pack(record);
    const bytes = Buffer.alloc(LENGTH_BYTES + body.length);
    bytes.writeUInt32LE(body.length);
    body.copy(bytes, LENGTH_BYTES);
    writing(this.#path, () => {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.#file, bytes, done, bytes.length - done, this.#end + done);
      fsyncSync(this.#file);
    });
    this.#end += bytes.length;
  }
}

function packer(): Packr {
  return new Packr({ useRecords: false, moreTypes: true });
}

function textOf({ attempt, weight }: SolutionKey): string {
  return `${attempt}/${weight}`;
}

/** Undefined where there is no file: then there is nothing to go on with, and the run starts. */
function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new RecoverError("read-failed", `${path} cannot be read: ${(cause as Error).message}`, { path, cause });
  }
}

/** All whole records, and where the last of them ends. */
function parse(path: string, bytes: Buffer, run: string): Content {
  const finished = new Map<string, LayerSolution>();
  let end = 0;
  for (let index = 0; end + LENGTH_BYTES <= bytes.length; index++) {
    const start = end + LENGTH_BYTES;
    const length = bytes.readUInt32LE(end);
    if (start + length > bytes.length) break;
    const record = unpack(path, bytes.subarray(start, start + length));
    if (index === 0) requireRun(path, record as Header, run);
    else if (isEntry(record)) finished.set(textOf(record), record.solution);
    else throw foreign(path);
    end = start + length;
  }
  if (end === 0) throw foreign(path);
  return { finished, end };
}

function unpack(path: string, bytes: Buffer): unknown {
  try {
    return packer().unpack(bytes);
  } catch {
    throw foreign(path);
  }
}

function isEntry(record: unknown): record is Entry {
  return typeof record === "object" && record !== null && "weight" in record && "solution" in record;
}

function requireRun(path: string, header: Header, run: string): void {
  if (header?.format !== "espalier.progress" || header.version !== 1) throw foreign(path);
  if (header.run === run) return;
  const message = `${path} holds the progress of another run: other model, samples or options. Run without resume to start anew`;
  throw new RecoverError("bad-option", message, { path });
}

function foreign(path: string): RecoverError {
  const message = `${path} is no progress file of Espalier. Name another one, or run without resume to replace it`;
  return new RecoverError("bad-option", message, { path });
}

function writing<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    throw new RecoverError("write-failed", `${path} cannot be written: ${(cause as Error).message}`, { path, cause });
  }
}
