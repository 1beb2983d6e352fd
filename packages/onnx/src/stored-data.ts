import type { ByteSource } from "./byte-source.js";
import { Cursor } from "./cursor.js";
import { OnnxError } from "./errors.js";
import { externalEntries, isExternal } from "./external-entries.js";
import type { Model } from "./model.js";
import { TensorProto_DataType as DataType, type TensorProto } from "./proto.js";
import { quote } from "./quote.js";
import type { PayloadSpan, TensorLocation } from "./tensor-location.js";
import { describe, tensorByteLength } from "./tensor-size.js";
import { putNumber, type TypedField, typedField, wrongField } from "./typed-payload.js";
import { TensorField } from "./wire-plan.js";

/** A run of bytes of a file. */
export interface StoredRun {
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;
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

/** Where a tensor's external data lies, with its range proven to be inside the file. */
export function externalRange(model: Model, tensor: TensorProto): StoredRun {
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

/**
 * The one run that holds a tensor's bytes exactly as they are to be read; undefined where they have to be decoded, see
 * {@link typedBytes}.
 *
 * @throws {OnnxError} `shape-mismatch`, `malformed`, `truncated`, …, before anything is allocated
 */
export function storedRun(model: Model, tensor: TensorProto): StoredRun | undefined {
  const location = tensorLocation(model, tensor);
  if (isExternal(tensor)) return externalRange(model, tensor);
  const length = tensorByteLength(tensor);
  const payload = effectivePayload(tensor, location);
  const span = exactSpan(payload, length);
  if (span !== undefined) return { source: model.storage.source, offset: span.start, length };
  if (payload[0]?.field !== TensorField.rawData) return undefined;
  throw mismatch(tensor, `raw_data has ${payload[0].end - payload[0].start} bytes`);
}

/** The one run of the model file that holds `length` bytes exactly as `raw_data` would. */
export function exactSpan(payload: readonly PayloadSpan[], length: number): PayloadSpan | undefined {
  const [span, another] = payload;
  if (span === undefined || another !== undefined || !span.packed || span.end - span.start !== length) return undefined;
  return isFixed(span.field) || span.field === TensorField.rawData ? span : undefined;
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

/**
 * The data of a tensor that lists numbers in a field of their type.
 *
 * @throws {OnnxError} `shape-mismatch`, before anything is allocated where it can be; `malformed`
 */
export function typedBytes(model: Model, tensor: TensorProto): Uint8Array<ArrayBuffer> {
  const { source } = model.storage;
  const payload = effectivePayload(tensor, tensorLocation(model, tensor));
  const length = tensorByteLength(tensor);
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
  const fixed = isFixed(field);
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

/** Whether a field lists its numbers as little-endian bytes. */
function isFixed(field: number): boolean {
  return field === TensorField.floatData || field === TensorField.doubleData;
}

/** The error that a tensor's dims and its data have different sizes. */
export function mismatch(tensor: TensorProto, found: string): OnnxError {
  return new OnnxError(
    "shape-mismatch",
    `${describe(tensor)} should have ${tensorByteLength(tensor)} bytes, but ${found}`,
  );
}
