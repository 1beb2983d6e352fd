import type { ByteSource } from "./byte-source.js";
import { Cursor } from "./cursor.js";
import { OnnxError } from "./errors.js";
import { externalEntries, isExternal } from "./external-entries.js";
import type { Model, TensorData } from "./model.js";
import { TensorProto_DataType as DataType, type TensorProto } from "./proto.js";
import { quote } from "./quote.js";
import type { PayloadSpan, TensorLocation } from "./tensor-location.js";
import { describe, tensorByteLength } from "./tensor-size.js";
import { putNumber, type TypedField, typedField, wrongField } from "./typed-payload.js";
import { TensorField } from "./wire-plan.js";

/**
 * The data of a tensor: little-endian elements in buffer order, as `raw_data` holds them, whatever field or file they
 * are stored in. 4-bit and 2-bit elements stay packed, the first in the lowest bits; bools are 0 or 1 when they come from
 * `int32_data`. Edits made by `withTensorData` are in.
 *
 * @returns a fresh array that starts an `ArrayBuffer` of its own, so any typed array can be laid over it
 * @throws {OnnxError} `shape-mismatch` when dims × element size is not what is stored, before anything is allocated;
 *   `unsupported-dtype` for strings; `malformed`, `truncated`, `external-escape`, `external-missing`, `read-failed`,
 *   `changed`; `unknown-tensor` when the tensor is not of this model
 */
export function tensorBytes(model: Model, tensor: TensorProto): Uint8Array<ArrayBuffer> {
  const location = tensorLocation(model, tensor);
  const edit = model.storage.edits.get(tensor);
  return edit === undefined ? storedBytes(model, tensor, location) : new Uint8Array(editedBytes(tensor, edit));
}

/**
 * The place of a tensor.
 *
 * @throws {OnnxError} `unknown-tensor`
 */
export function tensorLocation(model: Model, tensor: TensorProto): TensorLocation {
  const location = model.storage.tensors.get(tensor);
  if (location !== undefined) return location;
  const message = `tensor ${quote(tensor.name)} does not belong to this model; use the tensor objects of its own proto`;
  throw new OnnxError("unknown-tensor", message);
}

/**
 * Runs an edit and checks that it kept the size.
 *
 * @throws {OnnxError} `shape-mismatch`
 */
export function editedBytes(tensor: TensorProto, edit: TensorData): Uint8Array {
  const bytes = edit();
  if (bytes.length !== tensorByteLength(tensor)) throw mismatch(tensor, `the new data has ${bytes.length} bytes`);
  return bytes;
}

/** Where a tensor's external data lies, with its range proven to be inside the file. */
export function externalRange(
  model: Model,
  tensor: TensorProto,
): { source: ByteSource; offset: number; length: number } {
  const entries = externalEntries(tensor);
  const length = tensorByteLength(tensor);
  if (entries.length !== undefined && entries.length !== length) {
    throw mismatch(tensor, `its external data has ${entries.length} bytes`);
  }
  const source = model.storage.external(entries.location);
  if (entries.offset + length > source.size) {
    const message = `${describe(tensor)} needs bytes ${entries.offset} to ${entries.offset + length} of ${quote(entries.location)}, which has ${source.size}`;
    throw new OnnxError("truncated", message, { offset: entries.offset, path: source.path ?? entries.location });
  }
  return { source, offset: entries.offset, length };
}

function storedBytes(model: Model, tensor: TensorProto, location: TensorLocation): Uint8Array<ArrayBuffer> {
  if (isExternal(tensor)) {
    const { source, offset, length } = externalRange(model, tensor);
    return readCopy(source, offset, length);
  }
  const length = tensorByteLength(tensor);
  const payload = effectivePayload(tensor, location);
  if (payload[0]?.field === TensorField.rawData) {
    const stored = payload[0].end - payload[0].start;
    if (stored !== length) throw mismatch(tensor, `raw_data has ${stored} bytes`);
    return readCopy(model.storage.source, payload[0].start, length);
  }
  return typedBytes(model.storage.source, tensor, payload, length);
}

function readCopy(source: ByteSource, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  source.readInto(bytes, offset);
  return bytes;
}

/**
 * The runs that make up a tensor's data: of several `raw_data` fields the last, of a typed list all that have content.
 *
 * @throws {OnnxError} `malformed` when two fields hold data or the field is not the data type's
 */
export function effectivePayload(tensor: TensorProto, { payload }: TensorLocation): readonly PayloadSpan[] {
  const filled = payload.filter(({ start, end }) => end > start);
  const fields = new Set(filled.map(({ field }) => field));
  if (fields.size > 1) {
    throw new OnnxError("malformed", `${describe(tensor)} has data in several fields, and they cannot all be right`, {
      offset: filled[1]!.recordStart,
    });
  }
  if (fields.has(TensorField.rawData)) return filled.slice(-1);
  const used = filled[0]?.field;
  if (used !== undefined && used !== typedField(tensor.dataType).field) throw wrongField(tensor, used);
  return filled;
}

function typedBytes(
  source: ByteSource,
  tensor: TensorProto,
  payload: readonly PayloadSpan[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const { field, bytesPerNumber } = typedField(tensor.dataType);
  const expected = length / bytesPerNumber;
  const stored = payload.reduce((sum, { start, end }) => sum + end - start, 0);
  // A number takes at least one byte of the file, so no more is allocated than 8 times what the file has.
  if (expected > stored) throw mismatch(tensor, `the file has ${stored} bytes of data for it`);
  const target = new Uint8Array(length);
  let count = 0;
  for (const span of payload) count = readNumbers(source, span, target, { field, bytesPerNumber }, count, tensor);
  if (count !== expected) throw mismatch(tensor, `the file has ${count} numbers for it`);
  return target;
}

/** Decodes one run; returns how many numbers have been stored so far. */
function readNumbers(
  source: ByteSource,
  span: PayloadSpan,
  target: Uint8Array,
  { field, bytesPerNumber }: TypedField,
  from: number,
  tensor: TensorProto,
): number {
  const cursor = new Cursor(source, span.start);
  const fixed = field === TensorField.floatData || field === TensorField.doubleData;
  let count = from;
  while (cursor.position < span.end) {
    if (!span.packed) cursor.tag(span.end);
    const at = count * bytesPerNumber;
    count++;
    if (at >= target.length) throw mismatch(tensor, "the file has more numbers than that for it");
    if (fixed) {
      for (let index = 0; index < bytesPerNumber; index++) target[at + index] = cursor.byte();
      continue;
    }
    const { low, high } = cursor.varint(span.end);
    if (tensor.dataType === DataType.BOOL) target[at] = low === 0 && high === 0 ? 0 : 1;
    else putNumber(target, at, bytesPerNumber, low, high);
  }
  return count;
}

function mismatch(tensor: TensorProto, found: string): OnnxError {
  return new OnnxError(
    "shape-mismatch",
    `${describe(tensor)} should have ${tensorByteLength(tensor)} bytes, but ${found}`,
  );
}
