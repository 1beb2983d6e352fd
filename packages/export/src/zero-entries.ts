import { type Mask, zeroPruned } from "@espalier/core";
import { elementSize, type Model, type TensorProto, tensorChunks } from "@espalier/onnx";
import { encodedValues, type NewValues, resolveValues } from "./new-values.js";

/** A tensor and what is to become of it. */
export interface TensorEdit {
  /** For messages and the record. */
  readonly name: string;
  /** Of a prunable weight, float or 8-bit integer, or a float tensor. */
  readonly tensor: TensorProto;
  /** What goes. @default nothing */
  readonly mask?: Mask;
  /** The stored integer that means zero, where that is not all bytes 0. */
  readonly zeroAt?: (index: number) => number;
  /** What entries become that stay; of a float tensor. @default they stay as they are */
  readonly values?: NewValues;
}

/**
 * The bytes of a tensor with what stays made new, and the entries that its mask prunes set to zero: +0, or for quantised
 * weights the stored integer that means zero. Pieces as {@link tensorChunks} gives them.
 *
 * @throws {ExportError} `values-mismatch`; `not-finite`
 */
export function* editedChunks(model: Model, edit: TensorEdit): Generator<Uint8Array, void, undefined> {
  const { name, tensor } = edit;
  const size = byteSize(edit);
  const values = edit.values && resolveValues(name, tensor, edit.values);
  let first = 0;
  for (const chunk of tensorChunks(model, tensor)) {
    const count = chunk.length / size;
    if (values !== undefined) chunk.set(encodedValues(name, tensor, values, first, count));
    zeroChunk(chunk, edit, size, first);
    yield chunk;
    first += count;
  }
}

/**
 * Whether {@link editedChunks} has any other bit than the tensor. Reads as far as the first, or all of the new values to know
 * that they can be written.
 *
 * @throws {ExportError} `values-mismatch`; `not-finite`
 */
export function wouldChange(model: Model, edit: TensorEdit): boolean {
  return edit.values === undefined ? wouldZero(model, edit) : differs(model, edit);
}

function differs(model: Model, edit: TensorEdit): boolean {
  const before = tensorChunks(model, edit.tensor);
  let different = false;
  for (const chunk of editedChunks(model, edit)) {
    const was = before.next().value as Uint8Array;
    different ||= !sameBytes(chunk, was);
  }
  return different;
}

/** A loop, because this file runs in browsers too, which have no Buffer. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function wouldZero(model: Model, edit: TensorEdit): boolean {
  const { tensor, mask, zeroAt } = edit;
  if (mask === undefined) return false;
  const size = byteSize(edit);
  let first = 0;
  for (const chunk of tensorChunks(model, tensor)) {
    const count = chunk.length / size;
    for (let index = 0; index < count; index++) {
      if (mask.keeps(first + index)) continue;
      const isZero = zeroAt ? chunk[index] === (zeroAt(first + index) & 0xff) : isAllZero(chunk, index * size, size);
      if (!isZero) return true;
    }
    first += count;
  }
  return false;
}

function zeroChunk(chunk: Uint8Array, { mask, zeroAt }: TensorEdit, size: 1 | 2 | 4 | 8, first: number): void {
  if (mask === undefined) return;
  if (zeroAt === undefined) zeroPruned(chunk, size, mask, first);
  else zeroQuantized(chunk, mask, first, zeroAt);
}

/** Weights with zero points are int8 or uint8: one byte an entry, and the byte of −3 is 253. */
function zeroQuantized(chunk: Uint8Array, mask: Mask, first: number, zeroAt: (index: number) => number): void {
  for (let index = 0; index < chunk.length; index++) {
    if (!mask.keeps(first + index)) chunk[index] = zeroAt(first + index);
  }
}

function isAllZero(bytes: Uint8Array, start: number, count: number): boolean {
  for (let at = start; at < start + count; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Bytes of one element. */
function byteSize({ tensor }: TensorEdit): 1 | 2 | 4 | 8 {
  return elementSize(tensor.dataType) as 1 | 2 | 4 | 8;
}
