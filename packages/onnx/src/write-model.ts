import { basename, dirname, join, resolve } from "node:path";
import { memorySource } from "./byte-source.js";
import { embedded } from "./encode-model.js";
import { OnnxError } from "./errors.js";
import { checkLocation, externalEntries, isExternal, normalizeLocation } from "./external-entries.js";
import { type ExternalFile, entryPlacements, externalLayout } from "./external-layout.js";
import { type KeptFile, keepDataFile } from "./keep-data-file.js";
import type { Model } from "./model.js";
import { modelSplices } from "./model-splices.js";
import { packedLayout } from "./packed-layout.js";
import type { TensorProto } from "./proto.js";
import { splicedPieces } from "./splice.js";
import { commitFiles, discardFiles, type StagedFile, type Steps, stageFile, statIfThere } from "./staged-file.js";
import type { Placement } from "./tensor-splices.js";
import { checkFolder, folderInside } from "./write-folder.js";

/** Options of {@link writeModel}. */
export interface WriteOptions {
  /**
   * What becomes of external data:
   * - `"keep"`: data files of the same names beside the new model, edited data in its old place. An unedited file that is
   *   there already is left alone, and no other file is ever overwritten: a name that is taken by other content, the
   *   input's own data file for one, is replaced by a name made from the output's.
   * - `"embed"`: all data into the model file, which must stay below 2 GB.
   * - `{ location }`: all external data, and the initializers of at least 1 KiB, packed into one file of that name
   *   (relative to the output's folder), each at a multiple of 4096 bytes. A file of that name is replaced.
   *
   * @default "keep"
   */
  readonly externalData?: "keep" | "embed" | { readonly location: string };
}

/** What {@link writeModel} left on disk. */
export interface WrittenModel {
  /** The `.onnx` file, as given. */
  readonly path: string;
  /** Paths of the data files that it refers to. */
  readonly externalData: readonly string[];
}

interface Plan {
  readonly placements: ReadonlyMap<TensorProto, Placement>;
  readonly externalData: readonly string[];
}

/**
 * Writes a model, and its external data as asked. Memory is some megabytes and what the edits take: everything
 * is copied in pieces.
 *
 * All files are complete and synced under temporary names in the output's folder before the first of them gets its name,
 * data files before the model, so that an interrupted write leaves the old model or the new one, and either with its
 * data. (With `{ location }` the name is fixed: if it existed, a stop between the two renames leaves the old model beside
 * new data.) Writing over the file that the model was read from is safe; the model object then refuses to read from it
 * (`changed`). A symbolic link at `path` is replaced, not followed.
 *
 * @throws {OnnxError} `write-failed` when the output cannot be written; then no temporary file is left. `too-large` when
 *   the `.onnx` file would exceed 2 GB. Errors of reading and of edits come out as they are.
 */
export function writeModel(model: Model, path: string, options: WriteOptions = {}): WrittenModel {
  const steps = writeModelInSteps(model, path, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * {@link writeModel} in steps of a few megabytes, for callers that let other work run in between or want to stop: an error
 * thrown into the generator comes out again when everything temporary is removed.
 */
export function* writeModelInSteps(model: Model, path: string, options: WriteOptions = {}): Steps<WrittenModel> {
  checkFolder(path);
  checkReplaceable(model, path);
  const staged: StagedFile[] = [];
  try {
    const { placements, externalData } = yield* stageData(model, path, options.externalData ?? "keep", staged);
    const splices = modelSplices(model, placements);
    staged.push(yield* stageFile(path, splicedPieces(model.storage.source, splices)));
    commitFiles(staged);
    return { path, externalData };
  } finally {
    discardFiles(staged);
  }
}

function* stageData(
  model: Model,
  path: string,
  mode: WriteOptions["externalData"] & {},
  staged: StagedFile[],
): Steps<Plan> {
  if (mode === "keep") return yield* keepData(model, path, staged);
  if (mode === "embed") return { placements: embedded(model), externalData: [] };
  return yield* packData(model, path, mode.location, staged);
}

function* keepData(model: Model, path: string, staged: StagedFile[]): Steps<Plan> {
  const files: { file: ExternalFile; kept: KeptFile }[] = [];
  for (const file of externalLayout(model)) files.push({ file, kept: yield* keepDataFile(model, file, path, staged) });
  return {
    placements: new Map(files.flatMap(({ file, kept }) => [...entryPlacements(file, kept.newLocation)])),
    externalData: files.map(({ kept }) => kept.path),
  };
}

function* packData(model: Model, path: string, location: string, staged: StagedFile[]): Steps<Plan> {
  checkLocation(location);
  const { splices, placements } = packedLayout(model, normalizeLocation(location));
  if (placements.size === 0) return { placements, externalData: [] };
  const target = join(folderInside(dirname(path), dirname(location)), basename(location));
  if (resolve(target) === resolve(path)) {
    throw new OnnxError("write-failed", `${path} cannot be both the model and its data: choose another location`, {
      path,
    });
  }
  checkReplaceable(model, target);
  staged.push(yield* stageFile(target, splicedPieces(memorySource(new Uint8Array(0)), splices)));
  return { placements, externalData: [target] };
}

/** Refuses to replace anything that is no regular file, and data that the model is read from. */
function checkReplaceable(model: Model, path: string): void {
  const existing = statIfThere(path);
  if (existing === undefined) return;
  if (!existing.isFile()) {
    const what = existing.isDirectory() ? "a folder" : "no regular file";
    throw new OnnxError("write-failed", `${path} cannot be written: it is ${what}`, { path });
  }
  if (model.storage.source.path === undefined) return;
  const folder = dirname(model.storage.source.path);
  for (const tensor of model.storage.tensors.keys()) {
    if (!isExternal(tensor)) continue;
    const data = statIfThere(join(folder, externalEntries(tensor).location));
    if (data?.ino === existing.ino && data.dev === existing.dev) {
      const message = `${path} cannot be written: it holds external data of the model that is read; choose another name`;
      throw new OnnxError("write-failed", message, { path });
    }
  }
}
