import type { ByteSource } from "./byte-source.js";
import { externalEntries, isExternal, normalizeLocation } from "./external-entries.js";
import type { Model } from "./model.js";
import type { TensorProto } from "./proto.js";
import { literal, type Splice } from "./splice.js";
import { externalRange } from "./stored-data.js";
import { tensorChunks } from "./tensor-chunks.js";
import type { Placement } from "./tensor-splices.js";

/**
 * Alignment of tensors that get a new place in a data file, so that readers can map them into memory: the page size of
 * most systems, as onnx.proto recommends.
 */
const ALIGNMENT = 4096;

/** One external data file as it is to be written. */
export interface ExternalFile {
  /** Path in the model's folder, without detours. */
  readonly location: string;
  /** Tensors in the file. */
  readonly tensors: readonly TensorProto[];
  /** Opens the file as it is now. Not called for files that need not be touched: they may be missing. */
  readonly source: () => ByteSource;
  /** In order, without overlaps; empty when the file stays as it is. */
  readonly splices: readonly Splice[];
  /** Tensors that move to the end of the file → their new offset there. */
  readonly moved: ReadonlyMap<TensorProto, number>;
}

interface Stored {
  readonly tensor: TensorProto;
  readonly offset: number;
  readonly length: number;
}

/**
 * Plans the external data files of a model: same files, edited data in its old place. Where an edited tensor shares bytes
 * with another tensor (tied weights), the new data goes to the end of the file, so that the other one keeps its values.
 *
 * @throws {OnnxError} when edited data is not where the model says: `external-missing`, `truncated`, `shape-mismatch`, …
 */
export function externalLayout(model: Model): readonly ExternalFile[] {
  return [...byLocation(model)].map(([location, tensors]) => fileLayout(model, location, tensors));
}

/** Entries that have to change with a file that may have been renamed. */
export function entryPlacements(file: ExternalFile, location?: string): ReadonlyMap<TensorProto, Placement> {
  const dropChecksum = file.splices.length > 0;
  if (!dropChecksum && location === undefined) return new Map();
  return new Map(
    file.tensors.map((tensor) => {
      const offset = file.moved.get(tensor);
      const changes = { ...(location !== undefined && { location }), ...(offset !== undefined && { offset }) };
      return [tensor, { to: "entries", dropChecksum, ...changes }];
    }),
  );
}

/** The next multiple of the alignment. */
export function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function byLocation(model: Model): ReadonlyMap<string, readonly TensorProto[]> {
  const locations = new Map<string, TensorProto[]>();
  for (const tensor of model.storage.tensors.keys()) {
    if (!isExternal(tensor)) continue;
    const location = normalizeLocation(externalEntries(tensor).location);
    const tensors = locations.get(location);
    if (tensors === undefined) locations.set(location, [tensor]);
    else tensors.push(tensor);
  }
  return locations;
}

function fileLayout(model: Model, location: string, tensors: readonly TensorProto[]): ExternalFile {
  const { edits, external } = model.storage;
  const file = { location, tensors, source: () => external(location) };
  if (!tensors.some((tensor) => edits.has(tensor))) return { ...file, splices: [], moved: new Map() };
  const stored = tensors.map((tensor): Stored => ({ tensor, ...externalRange(model, tensor) }));
  const edited = stored.filter(({ tensor, length }) => edits.has(tensor) && length > 0);
  const shared = sharedTensors(stored);
  const inPlace = edited.filter(({ tensor }) => !shared.has(tensor)).sort((a, b) => a.offset - b.offset);
  const splices = inPlace.map(({ tensor, offset, length }) =>
    editSplice(model, tensor, offset, offset + length, length),
  );
  const moved = new Map<TensorProto, number>();
  const { size } = file.source();
  let end = size;
  for (const { tensor, length } of edited.filter((candidate) => shared.has(candidate.tensor))) {
    const offset = aligned(end);
    splices.push(literal(size, size, new Uint8Array(offset - end)), editSplice(model, tensor, size, size, length));
    moved.set(tensor, offset);
    end = offset + length;
  }
  return { ...file, splices, moved };
}

function editSplice(model: Model, tensor: TensorProto, start: number, end: number, length: number): Splice {
  return { start, end, length, data: () => tensorChunks(model, tensor) };
}

/** Tensors whose bytes overlap those of another one. */
function sharedTensors(stored: readonly Stored[]): ReadonlySet<TensorProto> {
  const sorted = stored.filter(({ length }) => length > 0).sort((a, b) => a.offset - b.offset);
  const shared = new Set<TensorProto>();
  let furthest = sorted[0];
  for (const current of sorted.slice(1)) {
    if (current.offset < furthest!.offset + furthest!.length) shared.add(furthest!.tensor).add(current.tensor);
    if (current.offset + current.length > furthest!.offset + furthest!.length) furthest = current;
  }
  return shared;
}
