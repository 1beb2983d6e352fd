import { ARRAY_CLASSES, isStrings, makeTensor, type NumericArray } from "../../dtype-arrays.js";
import type { Dtype, Tensor } from "../../tensor.js";

/** What goes between Node and a page: something that JSON can say, and bytes beside it. */
export interface Message {
  readonly head: unknown;
  readonly parts: readonly Uint8Array[];
}

/** Every part begins at a multiple of this, so that arrays of 64-bit numbers can lie on the bytes as they came. */
const ALIGNMENT = 8;

/**
 * Little-endian: u32 length of the JSON text, u32 0, the text `{ head, lengths }`, then the parts; text and parts are each filled
 * up with zeros to a multiple of 8 bytes.
 *
 * @returns chunks to write one after the other; parts are not copied
 */
export function encodeMessage({ head, parts }: Message): Uint8Array<ArrayBuffer>[] {
  const text = new TextEncoder().encode(JSON.stringify({ head, lengths: parts.map(({ length }) => length) }));
  const size = new Uint8Array(ALIGNMENT);
  new DataView(size.buffer).setUint32(0, text.length, true);
  return [size, ...[text, ...parts].flatMap((part) => [unshared(part), new Uint8Array(padding(part.length))])];
}

/** @param bytes all chunks of {@link encodeMessage} in one. The parts are views of it */
export function decodeMessage(bytes: ArrayBuffer): Message {
  const length = new DataView(bytes).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(bytes, ALIGNMENT, length));
  const { head, lengths } = JSON.parse(text) as { head: unknown; lengths: readonly number[] };
  let offset = ALIGNMENT + length + padding(length);
  const parts = lengths.map((size) => {
    const part = new Uint8Array(bytes, offset, size);
    offset += size + padding(size);
    return part;
  });
  return { head, parts };
}

/** A tensor without its numbers; texts have no bytes of their own. */
export interface TensorHead {
  readonly name: string;
  readonly dtype: Dtype;
  readonly dims: readonly number[];
  readonly texts?: readonly string[];
}

/** Tensors as heads and one part each, empty for texts. */
export function packTensors(tensors: Iterable<readonly [string, Tensor]>): {
  heads: TensorHead[];
  parts: Uint8Array[];
} {
  const heads: TensorHead[] = [];
  const parts: Uint8Array[] = [];
  for (const [name, { dtype, dims, data }] of tensors) {
    heads.push({ name, dtype, dims, ...(isStrings(data) && { texts: data }) });
    parts.push(isStrings(data) ? new Uint8Array(0) : bytesOf(data));
  }
  return { heads, parts };
}

/** The reverse of {@link packTensors}. Numbers are views of the parts. */
export function unpackTensors(heads: readonly TensorHead[], parts: readonly Uint8Array[]): Record<string, Tensor> {
  const tensors = heads.map(({ name, dtype, dims, texts }, index) => {
    const data = dtype === "string" ? texts! : arrayOn(dtype, parts[index]!);
    return [name, makeTensor(dtype, dims, data)] as const;
  });
  return Object.fromEntries(tensors);
}

function bytesOf({ buffer, byteOffset, byteLength }: NumericArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function arrayOn(dtype: Exclude<Dtype, "string">, { buffer, byteOffset, byteLength }: Uint8Array): NumericArray {
  const Class = ARRAY_CLASSES[dtype];
  return new Class(buffer as ArrayBuffer, byteOffset, byteLength / Class.BYTES_PER_ELEMENT);
}

function padding(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

/** Neither a socket nor a Blob takes shared memory. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
}
