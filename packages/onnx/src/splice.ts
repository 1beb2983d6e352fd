import type { ByteSource } from "./byte-source.js";
import { pieceBuffer, sourcePieces } from "./pieces.js";
import type { MessageSpan } from "./tensor-location.js";
import { varintBytes } from "./wire-record.js";

/** Replaces `[start, end)` of a source by other bytes, computed when they are written. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  /** Bytes that come instead. */
  readonly length: number;
  readonly data: () => Iterable<Uint8Array>;
}

/** A change inside messages, whose length prefixes change with it. */
export interface NestedSplice extends Splice {
  /** The innermost message around it. */
  readonly message: MessageSpan;
}

/** A splice whose bytes are known now. */
export function literal(start: number, end: number, bytes: Uint8Array): Splice {
  return { start, end, length: bytes.length, data: () => [bytes] };
}

/**
 * Completes changes by the length prefixes that have to change with them.
 *
 * @returns all splices, in file order
 */
export function withLengthPrefixes(nested: readonly NestedSplice[], others: readonly Splice[]): readonly Splice[] {
  const growth = new Map<MessageSpan, number>();
  const add = (message: MessageSpan | undefined, bytes: number): void => {
    if (message !== undefined && bytes !== 0) growth.set(message, (growth.get(message) ?? 0) + bytes);
  };
  for (const splice of nested) add(splice.message, splice.length - (splice.end - splice.start));
  const prefixes: Splice[] = [];
  for (const message of innermostFirst(growth)) {
    const added = growth.get(message) ?? 0;
    if (added === 0) continue;
    const prefix = varintBytes(message.end - message.start + added);
    prefixes.push(literal(message.at, message.start, prefix));
    add(message.parent, added + prefix.length - (message.start - message.at));
  }
  return [...nested, ...prefixes, ...others].sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The messages that changed and all around them, inner ones first. */
function innermostFirst(growth: ReadonlyMap<MessageSpan, number>): readonly MessageSpan[] {
  const messages = new Set<MessageSpan>();
  for (let message of growth.keys() as Iterable<MessageSpan | undefined>) {
    for (; message !== undefined && !messages.has(message); message = message.parent) messages.add(message);
  }
  // A message starts after the one around it, so descending starts put every message before its parent.
  return [...messages].sort((a, b) => b.start - a.start);
}

/** Size of a source after splices. */
export function splicedSize(size: number, splices: readonly Splice[]): number {
  return splices.reduce((sum, { start, end, length }) => sum + length - (end - start), size);
}

/**
 * A source with its splices, which are in order and do not overlap, piece by piece.
 * A piece is valid until the next one is asked for.
 */
export function* splicedPieces(source: ByteSource, splices: readonly Splice[]): Generator<Uint8Array, void, undefined> {
  const buffer = pieceBuffer(source.size);
  let position = 0;
  for (const splice of splices) {
    yield* sourcePieces(source, position, splice.start, buffer);
    yield* splice.data();
    position = splice.end;
  }
  yield* sourcePieces(source, position, source.size, buffer);
}
