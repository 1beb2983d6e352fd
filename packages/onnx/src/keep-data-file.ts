import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { basename, dirname, join, posix, resolve } from "node:path";
import type { ExternalFile } from "./external-layout.js";
import { fileSource } from "./file-source.js";
import type { Model } from "./model.js";
import { splicedPieces } from "./splice.js";
import { discardFiles, type StagedFile, type Steps, stageFile, statIfThere } from "./staged-file.js";
import { folderInside } from "./write-folder.js";

/** Bytes of each file in memory while two are compared. */
const COMPARED_BYTES = 2 ** 20;

/** Where an external data file went. */
export interface KeptFile {
  readonly path: string;
  /** Location that the entries have to name now; absent when it is the old one. */
  readonly newLocation?: string;
}

/** Digits of the hash in a name: 64 bits, no two contents of a folder share them. */
const HASH_DIGITS = 16;

/**
 * Puts an external data file beside the model that is written, under its old name if that is free or holds the same bytes
 * already, else under one made from the output's name, else under one that has a hash of the content. So the name does
 * not depend on how often the model is written, and no file with other content is touched.
 *
 * @param staged the files of this write so far; receives the copy unless the same bytes are there already
 */
export function* keepDataFile(model: Model, file: ExternalFile, path: string, staged: StagedFile[]): Steps<KeptFile> {
  const folder = dirname(path);
  if (file.splices.length === 0 && isFolderOf(model, folder)) return { path: join(folder, file.location) };
  const home = folderInside(folder, posix.dirname(file.location));
  const oldName = posix.basename(file.location);
  const others = [path, ...staged.map((other) => other.path)];
  const copy = yield* stageFile(join(home, oldName), splicedPieces(file.source(), file.splices));
  // Remembered before anything else can fail, so that it is removed then.
  staged.push(copy);
  const derived = derivedName(oldName, model.storage.source.path, path);
  const name =
    [oldName, derived].find((candidate) => isUsable(join(home, candidate), copy.temporary, others)) ??
    `${derived}.${contentHash(copy.temporary)}`;
  const target = join(home, name);
  staged[staged.length - 1] = { ...copy, path: target };
  if (statIfThere(target) !== undefined) discardFiles(staged.splice(-1));
  if (name === oldName) return { path: target };
  return { path: target, newLocation: posix.join(posix.dirname(file.location), name) };
}

/** Whether a name is free, on disk and among the other files of this write, or belongs to the same bytes. */
function isUsable(target: string, content: string, others: readonly string[]): boolean {
  if (others.some((other) => sameName(other, target))) return false;
  return statIfThere(target) === undefined || sameContent(target, content);
}

/** `model.onnx_data` of `model.onnx` becomes `pruned.onnx_data` beside `pruned.onnx`; other names get the output's in front. */
function derivedName(name: string, inputPath: string | undefined, outputPath: string): string {
  const input = inputPath === undefined ? undefined : basename(inputPath);
  const output = basename(outputPath);
  return input !== undefined && name.startsWith(input) ? output + name.slice(input.length) : `${output}.${name}`;
}

function isFolderOf(model: Model, folder: string): boolean {
  const { path } = model.storage.source;
  const own = path === undefined ? undefined : statIfThere(dirname(path));
  const other = statIfThere(folder);
  return own !== undefined && own.dev === other?.dev && own.ino === other.ino;
}

/** Also on file systems that ignore case. */
function sameName(a: string, b: string): boolean {
  return resolve(a).toLowerCase() === resolve(b).toLowerCase();
}

function sameContent(path: string, other: string): boolean {
  if (!statIfThere(path)?.isFile()) return false;
  const [a, b] = [fileSource(path), fileSource(other)];
  if (a.size !== b.size) return false;
  for (let at = 0; at < a.size; at += COMPARED_BYTES) {
    const length = Math.min(COMPARED_BYTES, a.size - at);
    if (Buffer.compare(a.read(at, length), b.read(at, length)) !== 0) return false;
  }
  return true;
}

function contentHash(path: string): string {
  const hash = createHash("sha256");
  for (const piece of splicedPieces(fileSource(path), [])) hash.update(piece);
  return hash.digest("hex").slice(0, HASH_DIGITS);
}
