import type { ByteSource } from "./byte-source.js";

/**
 * Bytes in memory at a time: large enough for the disk, small beside a tensor. Eight elements of any type divide it, so
 * that a piece of a tensor covers whole bytes of a bit mask.
 */
const PIECE_BYTES = 4 * 2 ** 20;

/** Memory for pieces of so many bytes; it starts an `ArrayBuffer` of its own. */
export function pieceBuffer(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Math.min(PIECE_BYTES, length));
}

/**
 * A range of a source, piece by piece. A piece is valid until the next one is asked for.
 *
 * @param buffer memory of every piece, which all but the last fill
 */
export function* sourcePieces(
  source: ByteSource,
  start: number,
  end: number,
  buffer = pieceBuffer(end - start),
): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  for (let position = start; position < end; position += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, end - position));
    source.readInto(piece, position);
    yield piece;
  }
}

/** The same `length` bytes, cut as {@link sourcePieces} cuts them and in memory of their own. */
export function* regrouped(
  pieces: Iterable<Uint8Array>,
  length: number,
): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  const buffer = pieceBuffer(length);
  let filled = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + buffer.length - filled);
      buffer.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < buffer.length) continue;
      yield buffer;
      filled = 0;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}

/** Pieces of `length` bytes in all, as one array. */
export function joined(pieces: Iterable<Uint8Array>, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
