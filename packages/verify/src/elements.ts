import { elementSize, type TensorProto } from "@espalier/onnx";

/** The elements of a tensor as bit patterns: unsigned integers as wide as one element. */
export type ElementBits = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/**
 * The bit patterns of a tensor's elements.
 *
 * @param tensor of an element type of 1, 2, 4 or 8 bytes
 * @param bytes what `tensorBytes` returned: they start an `ArrayBuffer`, so any array can be laid over them
 */
export function elementBits(tensor: TensorProto, bytes: Uint8Array): ElementBits {
  const { buffer, byteLength } = bytes;
  switch (elementSize(tensor.dataType)) {
    case 2:
      return new Uint16Array(buffer, 0, byteLength / 2);
    case 4:
      return new Uint32Array(buffer, 0, byteLength / 4);
    case 8:
      return new BigUint64Array(buffer, 0, byteLength / 8);
    default:
      return bytes;
  }
}

/**
 * Tells which bit pattern means zero at a buffer index: that of +0, or of the zero point of a quantised weight.
 *
 * @param weight of 1 byte an element where it has a `zeroAt`
 */
export function zeroBits(weight: { readonly zeroAt?: (index: number) => number }, bits: ElementBits) {
  const { zeroAt } = weight;
  const zero = bits instanceof BigUint64Array ? 0n : 0;
  return zeroAt === undefined ? () => zero : (index: number) => zeroAt(index) & 0xff;
}

/** A bit pattern for messages: `0x3f800001`. */
export function hex(bits: ElementBits, index: number): string {
  return `0x${bits[index]!.toString(16).padStart(2 * bits.BYTES_PER_ELEMENT, "0")}`;
}

/** Place of an element in its tensor: `[2, 3]`. */
export function indexText(index: number, shape: readonly number[]): string {
  let rest = index;
  const places = shape.toReversed().map((size) => {
    const place = rest % size;
    rest = Math.floor(rest / size);
    return place;
  });
  return `[${places.reverse().join(", ")}]`;
}
