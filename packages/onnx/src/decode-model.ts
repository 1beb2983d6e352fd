import { type ByteSource, memorySource } from "./byte-source.js";
import { Cursor } from "./cursor.js";
import { OnnxError } from "./errors.js";
import { externalEntries, isExternal, normalizeLocation } from "./external-entries.js";
import { MAX_DEPTH } from "./limits.js";
import type { Model, ModelStorage } from "./model.js";
import { fromBinary, type ModelProto, ModelProtoSchema, type TensorProto } from "./proto.js";
import { quote } from "./quote.js";
import { type Scan, scan } from "./scan.js";
import { skipField } from "./skip-field.js";
import { sniff } from "./sniff.js";
import type { TensorLocation } from "./tensor-location.js";
import { walkTensors } from "./tensors.js";
import { hasWireType, messagePlan } from "./wire-plan.js";

/** Fields that are looked at to tell a damaged model from another format; models have all of theirs but lists by then. */
const TRIED_FIELDS = 16;

/** Options of {@link decodeModel}. */
export interface DecodeOptions {
  /** Bytes of external data files by the location that the model names. @default none */
  readonly externalData?: ReadonlyMap<string, Uint8Array>;
}

/**
 * Decodes the bytes of an `.onnx` file. The bytes are kept and must not change afterwards.
 *
 * @throws {OnnxError} `not-onnx`, `truncated`, `malformed`, `too-deep`, `too-large`; `external-escape` when external data
 *   is outside the model's folder. Missing external data is an error only when it is read.
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): Model {
  const files = new Map(
    [...(options.externalData ?? [])].map(([location, data]) => [normalizeLocation(location), memorySource(data)]),
  );
  return decodeSource(memorySource(bytes), (location) => {
    const source = files.get(normalizeLocation(location));
    if (source !== undefined) return source;
    const message = `external data ${quote(location)} is needed but was not given; pass it as externalData`;
    throw new OnnxError("external-missing", message, { path: location });
  });
}

/** Decodes a model from any source. */
export function decodeSource(source: ByteSource, external: ModelStorage["external"]): Model {
  const found = scanModel(source);
  const proto = decodeSkeleton(found);
  if (proto.graph === undefined && proto.functions.length === 0)
    throw notOnnx(source, "a protobuf message without a graph");
  const tensors = locateTensors(proto, found);
  for (const tensor of tensors.keys()) if (isExternal(tensor)) externalEntries(tensor);
  const storage = { source, tensors, metadata: found.metadata, external, edits: new Map(), metadataEdits: new Map() };
  return { proto, storage };
}

function scanModel(source: ByteSource): Scan {
  if (source.size === 0) throw notOnnx(source, "empty");
  try {
    return scan(source);
  } catch (error) {
    if (sniff(source) === undefined && startsLikeModel(source)) throw error;
    throw notOnnx(source, "binary data that does not start with a field of a model", error);
  }
}

/** Whether the first fields are those of a model: tells a damaged model from another format. */
function startsLikeModel(source: ByteSource): boolean {
  const plan = messagePlan(ModelProtoSchema);
  const cursor = new Cursor(source);
  let known = false;
  try {
    for (let count = 0; count < TRIED_FIELDS && cursor.position < source.size; count++) {
      const start = cursor.position;
      const tag = cursor.tag(source.size);
      const field = plan.fields.get(tag >>> 3);
      if (field !== undefined && !hasWireType(field, tag & 7)) return false;
      known ||= field !== undefined;
      skipField(cursor, tag, start, source.size, 1);
    }
  } catch {
    // Cut off or damaged: what came before decides.
  }
  return known;
}

function notOnnx(source: ByteSource, found: string, cause?: unknown): OnnxError {
  return new OnnxError("not-onnx", `this is no ONNX model: it is ${sniff(source) ?? found}`, { offset: 0, cause });
}

function decodeSkeleton({ skeleton }: Scan): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, skeleton, { recursionLimit: MAX_DEPTH });
  } catch (cause) {
    throw new OnnxError("malformed", `the model cannot be decoded: ${String(cause)}`, { cause });
  }
}

/** Pairs decoded tensors with their places: protobuf-es hands out `bytes` fields as views, whose offset tells which is which. */
function locateTensors(proto: ModelProto, { skeleton, tensors }: Scan): ReadonlyMap<TensorProto, TensorLocation> {
  const located = new Map<TensorProto, TensorLocation>();
  for (const { tensor } of walkTensors(proto)) {
    const view = tensor.rawData;
    const location = view.buffer === skeleton.buffer ? tensors.get(view.byteOffset - skeleton.byteOffset) : undefined;
    if (location !== undefined) located.set(tensor, location);
  }
  if (located.size !== tensors.size) {
    // Not an OnnxError: no file causes it. It means that another version of protobuf-es copies bytes or lost a tensor.
    throw new Error(`${tensors.size} tensors were scanned but ${located.size} found after decoding`);
  }
  return located;
}
