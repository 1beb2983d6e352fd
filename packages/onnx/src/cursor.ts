import type { ByteSource } from "./byte-source.js";
import { OnnxError } from "./errors.js";

/** One read serves many small records, and a tensor that is skipped costs at most this much input. */
const WINDOW_BYTES = 64 * 1024;

/** A 64-bit varint, the low and the high 32 bits, both unsigned. */
export interface Varint {
  low: number;
  high: number;
}

/** Reads the wire format forward from a source through a small window. */
export class Cursor {
  readonly source: ByteSource;
  /** Offset of the next byte. May be set: jumping over bytes does not read them. */
  position: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;
  readonly #varint: Varint = { low: 0, high: 0 };

  constructor(source: ByteSource, position = 0) {
    this.source = source;
    this.position = position;
  }

  /** The next byte; the caller has checked that there is one. */
  byte(): number {
    let index = this.position - this.#windowStart;
    if (index < 0 || index >= this.#window.length) {
      const length = Math.min(WINDOW_BYTES, this.source.size - this.position);
      this.#window = this.source.read(this.position, length);
      this.#windowStart = this.position;
      index = 0;
    }
    this.position++;
    return this.#window[index]!;
  }

  /** Fills `target` with the bytes from `start` on, from the window where it still has them. */
  copy(target: Uint8Array, start: number): void {
    const index = start - this.#windowStart;
    if (index >= 0 && index + target.length <= this.#window.length) {
      target.set(this.#window.subarray(index, index + target.length));
    } else this.source.readInto(target, start);
  }

  /**
   * The next varint, at most 10 bytes that all lie before `end`. The result is reused by the next call.
   *
   * @throws {OnnxError} `truncated` or `malformed`
   */
  varint(end: number): Varint {
    const start = this.position;
    const first = start < end ? this.#window[start - this.#windowStart] : undefined;
    if (first !== undefined && first < 0x80) {
      // Nearly all numbers of a model are a single byte that the window has.
      this.position = start + 1;
      this.#varint.low = first;
      this.#varint.high = 0;
      return this.#varint;
    }
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= end) throw cutOff(this.source, start, end, "a number");
      const byte = this.byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#varint.low = low >>> 0;
        this.#varint.high = high >>> 0;
        return this.#varint;
      }
    }
    throw new OnnxError("malformed", `the number at byte ${start} is longer than the 10 bytes a varint may have`, {
      offset: start,
    });
  }

  /**
   * The next field tag.
   *
   * @returns field number · 8 + wire type, at least 8
   * @throws {OnnxError} `truncated` or `malformed`
   */
  tag(end: number): number {
    const start = this.position;
    const { low, high } = this.varint(end);
    // protobuf-es refuses tags of more than 5 bytes even when their value is small, so they are refused here with an offset.
    if (high !== 0 || low < 8 || (low & 7) > 5 || this.position - start > 5) {
      throw new OnnxError("malformed", `byte ${start} does not start a protobuf field`, { offset: start });
    }
    return low;
  }

  /**
   * The next length prefix; what it announces lies before `end`.
   *
   * @throws {OnnxError} `truncated` or `malformed`
   */
  length(end: number): number {
    const start = this.position;
    const { low, high } = this.varint(end);
    const length = high * 2 ** 32 + low;
    if (length > end - this.position) throw cutOff(this.source, start, end, `a record of ${length} bytes`);
    return length;
  }
}

/** The error of a record that starts at `offset` and does not fit before `end`: of the file, or of the message around it. */
export function cutOff(source: ByteSource, offset: number, end: number, what: string): OnnxError {
  if (end === source.size) {
    const message = `the file ends at byte ${end}, in the middle of ${what} that starts at byte ${offset}: it is incomplete`;
    return new OnnxError("truncated", message, { offset });
  }
  const message = `${what} at byte ${offset} runs past byte ${end}, where the message around it ends`;
  return new OnnxError("malformed", message, { offset });
}
