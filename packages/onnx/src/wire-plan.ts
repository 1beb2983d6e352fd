import { OnnxError } from "./errors.js";
import { type DescField, type DescMessage, ScalarType, TensorProtoSchema, WireType } from "./proto.js";

/** How the scanner treats one field of a message. */
export interface FieldPlan {
  readonly number: number;
  readonly name: string;
  /** Wire type of a single value. */
  readonly wireType: number;
  /** A list of numbers, which may also come packed into one length-delimited record. */
  readonly packable: boolean;
  /** The message in the field; absent for scalars. */
  readonly message?: () => MessagePlan;
  /** A single message that holds tensors: it must not come twice. */
  readonly unmergeable: boolean;
}

/** How the scanner treats one type of message. */
export interface MessagePlan {
  readonly name: string;
  readonly fields: ReadonlyMap<number, FieldPlan>;
}

/** Name of the message whose numeric data stays in the file. */
export const TENSOR = TensorProtoSchema.name;

/** Messages that hold tensors by single fields, so that merging two of them would merge tensors. */
const TENSOR_HOLDERS: ReadonlySet<string> = new Set([TENSOR, "SparseTensorProto"]);

/** Fields of `TensorProto` by number. */
export const TensorField = {
  floatData: 4,
  int32Data: 5,
  int64Data: 7,
  rawData: 9,
  doubleData: 10,
  uint64Data: 11,
  externalData: 13,
  dataLocation: 14,
} as const;

/** Fields of `TensorProto` that hold numeric values. */
export const PAYLOAD_FIELDS: ReadonlySet<number> = new Set<number>([
  TensorField.floatData,
  TensorField.int32Data,
  TensorField.int64Data,
  TensorField.rawData,
  TensorField.doubleData,
  TensorField.uint64Data,
]);

/** Field number of `ModelProto.metadata_props`. */
export const METADATA_PROPS = 14;

const plans = new Map<string, MessagePlan>();

/** The plan of a message type, derived from its descriptor once. */
export function messagePlan(message: DescMessage): MessagePlan {
  let plan = plans.get(message.typeName);
  if (plan === undefined) {
    plan = { name: message.name, fields: new Map(message.fields.map((field) => [field.number, fieldPlan(field)])) };
    plans.set(message.typeName, plan);
  }
  return plan;
}

/**
 * Refuses a known field in a form that its type does not have: protobuf-es would read it by its own idea of the type and
 * lose its place in the bytes.
 *
 * @throws {OnnxError} `malformed`
 */
export function checkWireType(plan: MessagePlan, field: FieldPlan, wireType: number, offset: number): void {
  if (hasWireType(field, wireType)) return;
  const message = `${plan.name}.${field.name} at byte ${offset} has wire type ${wireType} instead of ${field.wireType}`;
  throw new OnnxError("malformed", message, { offset });
}

/** Whether a field can have a wire type: its own, or length-delimited for a packed list. */
export function hasWireType(field: FieldPlan, wireType: number): boolean {
  return wireType === field.wireType || (field.packable && wireType === WireType.LengthDelimited);
}

function fieldPlan(field: DescField): FieldPlan {
  const { name, number } = field;
  const isList = field.fieldKind === "list";
  if (field.message !== undefined) {
    const child = field.message;
    const unmergeable = !isList && TENSOR_HOLDERS.has(child.name);
    return {
      name,
      number,
      wireType: WireType.LengthDelimited,
      packable: false,
      message: () => messagePlan(child),
      unmergeable,
    };
  }
  const wireType = field.scalar === undefined ? WireType.Varint : scalarWireType(field.scalar);
  return { name, number, wireType, packable: isList && wireType !== WireType.LengthDelimited, unmergeable: false };
}

function scalarWireType(scalar: ScalarType): number {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}
