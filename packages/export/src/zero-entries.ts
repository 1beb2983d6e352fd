import { type Mask, zeroPruned } from "@espalier/core";
import { elementSize, type Model, type PrunableWeight, tensorChunks } from "@espalier/onnx";

/** A weight and what is to become of it. */
export interface MaskedWeight {
  readonly weight: PrunableWeight;
  readonly mask: Mask;
}

/**
 * The bytes of a weight with the entries that its mask prunes set to zero: +0, or for quantised weights the stored integer
 * that means zero. Pieces as {@link tensorChunks} gives them.
 */
export function* zeroedChunks(model: Model, { weight, mask }: MaskedWeight): Generator<Uint8Array, void, undefined> {
  const { zeroAt } = weight;
  const size = byteSize(weight);
  let first = 0;
  for (const chunk of tensorChunks(model, weight.tensor)) {
    if (zeroAt === undefined) zeroPruned(chunk, size, mask, first);
    else zeroQuantized(chunk, mask, first, zeroAt);
    yield chunk;
    first += chunk.length / size;
  }
}

/** Whether {@link zeroedChunks} has any other bit than the weight. Reads as far as the first. */
export function wouldChange(model: Model, { weight, mask }: MaskedWeight): boolean {
  const { zeroAt } = weight;
  const size = byteSize(weight);
  let first = 0;
  for (const chunk of tensorChunks(model, weight.tensor)) {
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

/** Bytes of one element; a prunable weight is float or 8-bit integer. */
function byteSize({ tensor }: PrunableWeight): 1 | 2 | 4 | 8 {
  return elementSize(tensor.dataType) as 1 | 2 | 4 | 8;
}
