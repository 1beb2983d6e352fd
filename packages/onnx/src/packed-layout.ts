import { externalEntries, isExternal, normalizeLocation } from "./external-entries.js";
import { aligned } from "./external-layout.js";
import type { Model } from "./model.js";
import { TensorProto_DataType as DataType, type TensorProto } from "./proto.js";
import { literal, type Splice } from "./splice.js";
import { tensorChunks } from "./tensor-chunks.js";
import { tensorByteLength } from "./tensor-size.js";
import type { Placement } from "./tensor-splices.js";
import { walkTensors } from "./tensors.js";

/** Smaller initializers stay in the model, as in ONNX's own tool: an entry costs about as much, and shapes must be at hand. */
const MIN_PACKED_BYTES = 1024;

/** A data file made from nothing. */
export interface PackedLayout {
  /** The whole content, as insertions into an empty file. */
  readonly splices: readonly Splice[];
  readonly placements: ReadonlyMap<TensorProto, Placement>;
}

/** Plans one new data file: tensors in the order of the model, each aligned, tied ones (same old place, no edit) once. */
export function packedLayout(model: Model, location: string): PackedLayout {
  const splices: Splice[] = [];
  const placements = new Map<TensorProto, Placement>();
  const offsets = new Map<string, number>();
  let end = 0;
  for (const { tensor, role } of walkTensors(model.proto)) {
    if (!isExternal(tensor) && role !== "initializer") continue;
    const length = isExternal(tensor) || isNumeric(tensor) ? tensorByteLength(tensor) : 0;
    if (!isExternal(tensor) && length < MIN_PACKED_BYTES) continue;
    const key = tiedKey(model, tensor);
    let offset = key === undefined ? undefined : offsets.get(key);
    if (offset === undefined) {
      offset = aligned(end);
      splices.push(literal(0, 0, new Uint8Array(offset - end)));
      splices.push({ start: 0, end: 0, length, data: () => tensorChunks(model, tensor) });
      end = offset + length;
      if (key !== undefined) offsets.set(key, offset);
    }
    placements.set(tensor, { to: "file", location, offset, length });
  }
  return { splices, placements };
}

function isNumeric(tensor: TensorProto): boolean {
  return tensor.dataType !== DataType.STRING && tensor.dataType !== DataType.UNDEFINED;
}

/** The same for tensors that have the same bytes of the same file; undefined for those that have their own. */
function tiedKey(model: Model, tensor: TensorProto): string | undefined {
  if (!isExternal(tensor) || model.storage.edits.has(tensor)) return undefined;
  const { location, offset } = externalEntries(tensor);
  return JSON.stringify([normalizeLocation(location), offset, tensorByteLength(tensor)]);
}
