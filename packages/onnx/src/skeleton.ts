/** Bytes reserved for the length prefix of a message: room for every 32-bit length, written with leading zero groups. */
const PREFIX_BYTES = 5;

/** Grows a copy of a model's structure; lengths of messages are filled in when they end. */
export class Skeleton {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(64 * 1024);
  /** Bytes written so far. */
  length = 0;

  /** Room for `count` more bytes, to be filled by the caller. */
  append(count: number): Uint8Array {
    const end = this.length + count;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    const room = this.#bytes.subarray(this.length, end);
    this.length = end;
    return room;
  }

  /**
   * Starts a message whose tag has been written.
   *
   * @returns where its content starts, for {@link close}
   */
  open(): number {
    this.append(PREFIX_BYTES);
    return this.length;
  }

  /** Ends the message whose content starts at `start`. */
  close(start: number): void {
    let rest = this.length - start;
    for (let index = start - PREFIX_BYTES; index < start - 1; index++) {
      this.#bytes[index] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[start - 1] = rest;
  }

  /** The bytes written, without a copy. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }
}
