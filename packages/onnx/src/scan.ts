import type { ByteSource } from "./byte-source.js";
import { Cursor } from "./cursor.js";
import { OnnxError } from "./errors.js";
import { COST, MAX_DEPTH, MAX_MODEL_BYTES, MAX_STRUCTURE_BYTES } from "./limits.js";
import { ModelProtoSchema, WireType } from "./proto.js";
import { Skeleton } from "./skeleton.js";
import { fixedSize, skipField, skipNumber, tooDeep } from "./skip-field.js";
import type { MessageSpan, PayloadSpan, Span, TensorLocation } from "./tensor-location.js";
import {
  checkWireType,
  type FieldPlan,
  METADATA_PROPS,
  type MessagePlan,
  messagePlan,
  PAYLOAD_FIELDS,
  TENSOR,
  TensorField,
} from "./wire-plan.js";

/** What a pass over the wire format of a model finds. */
export interface Scan {
  /**
   * The model without numeric tensor data: in every `TensorProto` an empty `raw_data` stands for all of it.
   * Its nesting, sizes and field types are proven, so protobuf-es can decode it.
   */
  readonly skeleton: Uint8Array<ArrayBuffer>;
  /** Tensors by the offset in `skeleton` at which the content of their empty `raw_data` would be. */
  readonly tensors: ReadonlyMap<number, TensorLocation>;
  /** Records of `ModelProto.metadata_props`, in order. */
  readonly metadata: readonly Span[];
}

/** Tag and length of the empty `raw_data` field. */
const PLACEHOLDER = Uint8Array.of(TensorField.rawData * 8 + WireType.LengthDelimited, 0);

/**
 * Checks the wire format of a model and finds its tensors, reading everything except numeric tensor data, once, forward.
 *
 * @param maxStructureBytes limit of the estimated memory of the decoded structure
 * @throws {OnnxError} `truncated`, `malformed`, `too-deep` or `too-large`
 */
export function scan(source: ByteSource, maxStructureBytes = MAX_STRUCTURE_BYTES): Scan {
  if (source.size > MAX_MODEL_BYTES) {
    const message = `${source.size} bytes are more than the 2 GB that an .onnx file can have; larger models keep their weights in external data`;
    throw new OnnxError("too-large", message, { offset: 0 });
  }
  return new Scanner(source, maxStructureBytes).run();
}

class Scanner {
  readonly #cursor: Cursor;
  readonly #skeleton = new Skeleton();
  readonly #tensors = new Map<number, TensorLocation>();
  readonly #metadata: Span[] = [];
  readonly #budget: number;
  #cost = 0;
  /** Everything before it has been copied to the skeleton or left out. Runs of fields are copied in one go. */
  #copied = 0;

  constructor(source: ByteSource, budget: number) {
    this.#cursor = new Cursor(source);
    this.#budget = budget;
  }

  run(): Scan {
    const { size } = this.#cursor.source;
    this.#fields(messagePlan(ModelProtoSchema), size, 1, undefined);
    this.#copyTo(size);
    return { skeleton: this.#skeleton.bytes(), tensors: this.#tensors, metadata: this.#metadata };
  }

  /** Scans a length-delimited message whose tag, at `start`, has been read. */
  #message(plan: MessagePlan, start: number, outerEnd: number, depth: number, parent: MessageSpan | undefined): void {
    if (depth > MAX_DEPTH) throw tooDeep(start);
    this.#spend(COST.message, start);
    const at = this.#cursor.position;
    const length = this.#cursor.length(outerEnd);
    const span = { at, start: this.#cursor.position, end: this.#cursor.position + length, parent };
    this.#copyTo(at);
    this.#copied = span.start;
    const content = this.#skeleton.open();
    if (plan.name === TENSOR) this.#tensor(plan, span, depth);
    else this.#fields(plan, span.end, depth, span);
    this.#copyTo(span.end);
    this.#skeleton.close(content);
  }

  /** Scans the fields of a message that is no tensor; `span` is absent for the model itself. */
  #fields(plan: MessagePlan, end: number, depth: number, span: MessageSpan | undefined): void {
    let unmergeable = 0;
    while (this.#cursor.position < end) {
      const start = this.#cursor.position;
      const field = this.#field(plan, end, depth, span);
      if (field?.unmergeable) {
        // Protobuf merges a second value into the first; the tensor in it would have two places in the file.
        if (unmergeable & (1 << field.number)) throw twice(plan, field, start);
        unmergeable |= 1 << field.number;
      }
      if (span === undefined && field?.number === METADATA_PROPS) {
        this.#metadata.push({ start, end: this.#cursor.position });
      }
    }
  }

  /** Scans a `TensorProto`: its data is skipped, everything else copied, and one empty `raw_data` written. */
  #tensor(plan: MessagePlan, message: MessageSpan, depth: number): void {
    this.#spend(COST.tensor, message.at);
    const location = { message, payload: [] as PayloadSpan[], externalData: [] as Span[], dataLocation: [] as Span[] };
    while (this.#cursor.position < message.end) {
      const start = this.#cursor.position;
      const field = this.#field(plan, message.end, depth, message, location.payload);
      if (field?.number === TensorField.externalData) location.externalData.push({ start, end: this.#cursor.position });
      if (field?.number === TensorField.dataLocation) {
        this.#spend(COST.span, start);
        location.dataLocation.push({ start, end: this.#cursor.position });
      }
    }
    this.#copyTo(message.end);
    this.#skeleton.append(PLACEHOLDER.length).set(PLACEHOLDER);
    this.#tensors.set(this.#skeleton.length, location);
  }

  /**
   * Scans one field.
   *
   * @param payload there in a tensor: receives its data fields, which are not copied
   * @returns undefined for a field nobody knows
   */
  #field(
    plan: MessagePlan,
    end: number,
    depth: number,
    span: MessageSpan | undefined,
    payload?: PayloadSpan[],
  ): FieldPlan | undefined {
    const start = this.#cursor.position;
    const tag = this.#cursor.tag(end);
    const field = plan.fields.get(tag >>> 3);
    if (field === undefined) {
      this.#spend(COST.unknown, start);
      skipField(this.#cursor, tag, start, end, depth);
      return undefined;
    }
    checkWireType(plan, field, tag & 7, start);
    if (payload !== undefined && PAYLOAD_FIELDS.has(field.number)) this.#payload(payload, field, tag, start, end);
    else if (field.message !== undefined) this.#message(field.message(), start, end, depth + 1, span);
    else this.#scalar(field, tag & 7, start, end);
    return field;
  }

  #payload(payload: PayloadSpan[], field: FieldPlan, tag: number, recordStart: number, end: number): void {
    const packed = (tag & 7) === WireType.LengthDelimited;
    let start = recordStart;
    if (packed) {
      const length = this.#cursor.length(end);
      if (field.packable) checkPackedLength(field, length, recordStart);
      start = this.#cursor.position;
      this.#cursor.position = start + length;
    } else skipNumber(this.#cursor, tag & 7, end);
    const stop = this.#cursor.position;
    this.#copyTo(recordStart);
    this.#copied = stop;
    const last = payload.at(-1);
    if (!packed && last !== undefined && !last.packed && last.field === field.number && last.end === recordStart) {
      payload[payload.length - 1] = { ...last, end: stop };
      return;
    }
    this.#spend(COST.span, recordStart);
    payload.push({ field: field.number, packed, recordStart, start, end: stop });
  }

  #scalar(field: FieldPlan, wireType: number, start: number, end: number): void {
    const cursor = this.#cursor;
    if (wireType !== WireType.LengthDelimited) {
      skipNumber(cursor, wireType, end);
      this.#spend(COST.number, start);
    } else {
      const length = cursor.length(end);
      const stop = cursor.position + length;
      if (field.packable) this.#packed(field, stop, start);
      else this.#spend(COST.text + 2 * length, start);
      cursor.position = stop;
    }
  }

  /** Proves that a packed list holds whole numbers only, so that a decoder cannot run past its end. */
  #packed(field: FieldPlan, end: number, start: number): void {
    const cursor = this.#cursor;
    const length = end - cursor.position;
    if (field.wireType !== WireType.Varint) {
      checkPackedLength(field, length, start);
      this.#spend((length / fixedSize(field.wireType)) * COST.number, start);
      return;
    }
    while (cursor.position < end) {
      cursor.varint(end);
      this.#spend(COST.number, start);
    }
  }

  /** Copies the file up to `end` to the skeleton. */
  #copyTo(end: number): void {
    const start = this.#copied;
    if (start === end) return;
    this.#spend(end - start, start);
    this.#cursor.copy(this.#skeleton.append(end - start), start);
    this.#copied = end;
  }

  /** Counts memory before it is used. */
  #spend(bytes: number, offset: number): void {
    this.#cost += bytes;
    if (this.#cost <= this.#budget) return;
    const limit = this.#budget / 2 ** 20;
    const message = `nodes, names and attributes up to byte ${offset} would take more than the limit of ${limit} MiB of memory`;
    throw new OnnxError("too-large", message, { offset });
  }
}

function checkPackedLength(field: FieldPlan, length: number, offset: number): void {
  if (field.wireType === WireType.Varint || length % fixedSize(field.wireType) === 0) return;
  const message = `${field.name} at byte ${offset} has ${length} bytes, which is no multiple of ${fixedSize(field.wireType)}`;
  throw new OnnxError("malformed", message, { offset });
}

function twice(plan: MessagePlan, field: FieldPlan, offset: number): OnnxError {
  return new OnnxError("malformed", `${plan.name}.${field.name} appears a second time at byte ${offset}`, { offset });
}
