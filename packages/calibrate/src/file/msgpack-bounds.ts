/** Our files nest four deep; unknown keys of later versions may add some. Ends recursion in the parser. */
const MAX_DEPTH = 32;

/** Bytes behind the first one of values without content, by that first byte (`0xc0` to `0xd3`); extensions have none. */
const FIXED: Readonly<Record<number, number>> = {
  192: 0, // nil
  194: 0, // false
  195: 0, // true
  202: 4, // float32
  203: 8, // float64
  204: 1, // uint8 to uint64
  205: 2,
  206: 4,
  207: 8,
  208: 1, // int8 to int64
  209: 2,
  210: 4,
  211: 8,
};

interface Token {
  /** Bytes up to the next token. */
  readonly size: number;
  /** Values inside: elements, or keys and values. */
  readonly children: number;
}

/**
 * Checks that bytes are exactly one MessagePack value, before a parser allocates what they declare: every length fits into
 * what is left, nesting is bounded, and there are no extensions (which could make a parser build other objects).
 *
 * @returns the offset of the first byte that is wrong, or -1
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export function firstBadByte(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const open = [1];
  let at = 0;
  while (open.length > 0) {
    if (open.at(-1) === 0) {
      open.pop();
      continue;
    }
    open[open.length - 1]!--;
    const token = readToken(view, at);
    if (token === undefined) return at;
    const end = at + token.size;
    // A value has at least one byte.
    if (end + token.children > bytes.length || open.length > MAX_DEPTH) return at;
    at = end;
    open.push(token.children);
  }
  return at === bytes.length ? -1 : at;
}

function readToken(view: DataView, at: number): Token | undefined {
  if (at >= view.byteLength) return undefined;
  const first = view.getUint8(at);
  if (first <= 0x7f || first >= 0xe0) return { size: 1, children: 0 };
  if (first <= 0x8f) return { size: 1, children: (first & 15) * 2 };
  if (first <= 0x9f) return { size: 1, children: first & 15 };
  if (first <= 0xbf) return { size: 1 + (first & 31), children: 0 };
  const fixed = FIXED[first];
  if (fixed !== undefined) return { size: 1 + fixed, children: 0 };
  return readSized(view, at, first);
}

/** Values whose length or number of children stands behind the first byte, in 1, 2 or 4 bytes. */
function readSized(view: DataView, at: number, first: number): Token | undefined {
  const isText = first >= 0xd9 && first <= 0xdb;
  const isBinary = first >= 0xc4 && first <= 0xc6;
  const isArray = first === 0xdc || first === 0xdd;
  const isMap = first === 0xde || first === 0xdf;
  if (!isText && !isBinary && !isArray && !isMap) return undefined;
  const width = isArray || isMap ? 2 * (first & 1) + 2 : 2 ** (isText ? first - 0xd9 : first - 0xc4);
  // For 0xdc and 0xde the lowest bit is 0: two bytes; for 0xdd and 0xdf it is 1: four.
  if (at + 1 + width > view.byteLength) return undefined;
  const length = width === 1 ? view.getUint8(at + 1) : width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  if (isArray || isMap) return { size: 1 + width, children: isMap ? length * 2 : length };
  return { size: 1 + width + length, children: 0 };
}
