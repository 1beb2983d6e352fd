import { OnnxError } from "./errors.js";

/** Bytes that can be read at any place: memory or a file. */
export interface ByteSource {
  /** Number of bytes. */
  readonly size: number;
  /** File the bytes come from; absent for memory. */
  readonly path?: string;
  /**
   * Exactly `length` bytes from `offset` on. May be a view of the source's own memory: not to be changed.
   *
   * @throws {OnnxError} `truncated` when the range is not inside the source
   */
  read(offset: number, length: number): Uint8Array;
  /**
   * Fills `target` with the bytes from `offset` on.
   *
   * @throws {OnnxError} `truncated` when the range is not inside the source
   */
  readInto(target: Uint8Array, offset: number): void;
}

/** A source over bytes in memory; nothing is copied. */
export function memorySource(bytes: Uint8Array): ByteSource {
  const view = (offset: number, length: number): Uint8Array => {
    checkRange(offset, length, bytes.length);
    return bytes.subarray(offset, offset + length);
  };
  return {
    size: bytes.length,
    read: view,
    readInto: (target, offset) => target.set(view(offset, target.length)),
  };
}

/**
 * Refuses a range that is not inside `size` bytes.
 *
 * @throws {OnnxError} `truncated`
 */
export function checkRange(offset: number, length: number, size: number, path?: string): void {
  if (offset >= 0 && length >= 0 && offset + length <= size) return;
  const message = `bytes ${offset} to ${offset + length} are needed, but there are only ${size}`;
  throw new OnnxError("truncated", message, path === undefined ? { offset } : { offset, path });
}
