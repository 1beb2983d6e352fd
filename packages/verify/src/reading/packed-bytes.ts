import type { ElementBits } from "../elements.js";

/**
 * Keeps the bits of a tensor without those that are 0: a mask of 1 bit an element, and the others. So what was decoded takes
 * about what its encoding takes, until it is read.
 *
 * @returns unpacks a fresh array that starts an `ArrayBuffer`
 */
export function packedBytes(bits: ElementBits): () => Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(Math.ceil(bits.length / 8));
  let count = 0;
  for (let index = 0; index < bits.length; index++) {
    if (Number(bits[index]) === 0) continue;
    mask[index >>> 3]! |= 1 << (index & 7);
    count++;
  }
  const { length } = bits;
  const make = (size: number): ElementBits => new (bits.constructor as new (size: number) => ElementBits)(size);
  const values = make(count);
  let next = 0;
  for (let index = 0; index < length; index++) if (isSet(mask, index)) values[next++] = bits[index]!;
  return () => {
    const whole = make(length);
    let from = 0;
    for (let index = 0; index < length; index++) if (isSet(mask, index)) whole[index] = values[from++]!;
    return new Uint8Array(whole.buffer as ArrayBuffer);
  };
}

function isSet(mask: Uint8Array, index: number): boolean {
  return ((mask[index >>> 3]! >> (index & 7)) & 1) === 1;
}
