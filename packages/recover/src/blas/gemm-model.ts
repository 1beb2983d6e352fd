/** Which one-node model: the two flags of Gemm and the precision. */
export interface GemmKind {
  readonly double: boolean;
  readonly transA: boolean;
  readonly transB: boolean;
}

const FLOAT = 1;
const DOUBLE = 11;
const VARINT = 0;
const BYTES = 2;

/**
 * The bytes of an ONNX model with one Gemm: inputs `a` and `b`, output `c`, all of rank 2 with open sizes; opset 13.
 * Written field by field: the model is 150 bytes, and its numbers are those of `onnx.proto`.
 */
export function gemmModel({ double, transA, transB }: GemmKind): Uint8Array {
  const type = double ? DOUBLE : FLOAT;
  const node = [
    ...["a", "b"].flatMap((name) => message(1, text(name))),
    ...message(2, text("c")),
    ...message(4, text("Gemm")),
    ...message(5, flag("transA", transA)),
    ...message(5, flag("transB", transB)),
  ];
  const graph = [
    ...message(1, node),
    ...message(2, text("gemm")),
    ...["a", "b"].flatMap((name) => message(11, matrix(name, type))),
    ...message(12, matrix("c", type)),
  ];
  return Uint8Array.from([...integer(1, 8), ...message(7, graph), ...message(8, integer(2, 13))]);
}

/** A ValueInfoProto with two symbolic sizes. */
function matrix(name: string, type: number): number[] {
  const shape = [`${name}_rows`, `${name}_columns`].flatMap((size) => message(1, message(2, text(size))));
  return [...message(1, text(name)), ...message(2, message(1, [...integer(1, type), ...message(2, shape)]))];
}

/** An AttributeProto of type INT (2). */
function flag(name: string, value: boolean): number[] {
  return [...message(1, text(name)), ...integer(3, value ? 1 : 0), ...integer(20, 2)];
}

function text(value: string): number[] {
  return [...new TextEncoder().encode(value)];
}

function message(field: number, content: readonly number[]): number[] {
  return [...varint((field << 3) | BYTES), ...varint(content.length), ...content];
}

function integer(field: number, value: number): number[] {
  return [...varint((field << 3) | VARINT), ...varint(value)];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
