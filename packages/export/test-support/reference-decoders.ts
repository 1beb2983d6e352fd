import type { PrunableWeight } from "@espalier/onnx";

/** Initializers of a decoder by the last part of their names. */
export type Parts = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** Elements of some bytes each, in buffer order, as plain arrays of bytes. */
type Elements = number[][];

/** Decoders by the names of encodings, written from docs/export-formats.md, one element at a time. */
export const REFERENCE_DECODERS: Readonly<
  Record<string, (parts: Parts, size: number, weight: PrunableWeight, form: string) => Uint8Array<ArrayBuffer>>
> = {
  dense: (parts) => parts.get("values")!,

  bitmask(parts, size, weight) {
    const values = split(parts.get("values")!, size);
    let next = 0;
    return join(
      elements(weight).map((index) => {
        const byte = parts.get("bits")![Math.floor(index / 8)]!;
        return Math.floor(byte / 2 ** (index % 8)) % 2 === 1 ? values[next++]! : Array(size).fill(0);
      }),
    );
  },

  gap(parts, size, weight, form) {
    const gaps = [...parts.get("gaps")!].flatMap((byte) => (form === "gap4" ? [byte % 16, byte >> 4] : [byte]));
    const decoded = elements(weight).map(() => Array(size).fill(0)) as Elements;
    let position = 0;
    for (const [entry, value] of split(parts.get("values")!, size).entries()) {
      position += gaps[entry]!;
      decoded[position] = value;
    }
    return join(decoded);
  },

  coo(parts, size, weight) {
    const decoded = elements(weight).map(() => Array(size).fill(0)) as Elements;
    const indices = new BigInt64Array(parts.get("indices")!.buffer);
    for (const [entry, value] of split(parts.get("values")!, size).entries()) decoded[Number(indices[entry])] = value;
    return join(decoded);
  },

  nm(parts, size, weight, form) {
    const [n, m] = form.split(":").map(Number) as [number, number];
    const codes = parts.get("codes")!;
    const values = split(parts.get("values")!, size);
    const patterns = subsets(n, m);
    const inner = apart(weight);
    const perCode = elements(weight).length / m / codes.length;
    return join(
      elements(weight).map((index) => {
        const column = index % inner;
        const channel = Math.floor(index / inner); // over all lines, which are whole groups
        const [group, position] = [Math.floor(channel / m), channel % m];
        const code = codes[Math.floor(group / perCode) * inner + column]!;
        const pattern = patterns[Math.floor(code / patterns.length ** (group % perCode)) % patterns.length]!;
        if (!pattern.includes(position)) return Array(size).fill(0);
        return values[(group * n + pattern.indexOf(position)) * inner + column]!;
      }),
    );
  },
};

/** Elements from one input channel to the next. */
function apart({ axes }: PrunableWeight): number {
  const last = axes.findLastIndex(({ role }) => role === "in");
  return axes.slice(last + 1).reduce((product, { size }) => product * size, 1);
}

/** All sets of n of m positions, by the number that they are as bits. */
function subsets(n: number, m: number): number[][] {
  const all = Array.from({ length: 2 ** m }, (_, bits) =>
    [...Array(m).keys()].filter((one) => (bits >> one) % 2 === 1),
  );
  return all.filter(({ length }) => length === n);
}

function elements({ shape }: PrunableWeight): number[] {
  return [...Array(shape.reduce((product, size) => product * size, 1)).keys()];
}

function split(bytes: Uint8Array, size: number): Elements {
  return Array.from({ length: bytes.length / size }, (_, index) => [
    ...bytes.subarray(index * size, (index + 1) * size),
  ]);
}

function join(decoded: Elements): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(decoded.flat());
}
