import { type ByteSource, checkRange, memorySource } from "./byte-source.js";
import { joined } from "./pieces.js";
import type { Splice } from "./splice.js";

/** A run of the result and where its bytes are. */
interface Segment {
  /** Offset in the result. */
  readonly at: number;
  readonly length: number;
  readonly source: ByteSource;
  /** Offset of the run in `source`. */
  readonly from: number;
}

/**
 * A source with its splices, readable at any place: the bytes in between stay where they are, those of the splices are
 * held in memory, so they should be small.
 *
 * @param splices in order, without overlaps
 */
export function splicedSource(source: ByteSource, splices: readonly Splice[]): ByteSource {
  const segments = segmentsOf(source, splices);
  const last = segments.at(-1);
  const size = last === undefined ? 0 : last.at + last.length;
  const context = source.path === undefined ? {} : { path: source.path };
  const readInto = (target: Uint8Array, offset: number): void => {
    checkRange(offset, target.length, size, source.path);
    for (let index = segmentAt(segments, offset), done = 0; done < target.length; index++) {
      const { at, length, source: inner, from } = segments[index]!;
      const skipped = offset + done - at;
      const part = target.subarray(done, done + length - skipped);
      inner.readInto(part, from + skipped);
      done += part.length;
    }
  };
  const read = (offset: number, length: number): Uint8Array => {
    checkRange(offset, length, size, source.path);
    const one = segments[segmentAt(segments, offset)];
    if (one !== undefined && offset + length <= one.at + one.length) {
      return one.source.read(one.from + offset - one.at, length);
    }
    const bytes = new Uint8Array(length);
    readInto(bytes, offset);
    return bytes;
  };
  return { size, ...context, read, readInto };
}

function segmentsOf(source: ByteSource, splices: readonly Splice[]): readonly Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  const add = (from: ByteSource, start: number, end: number): void => {
    if (start === end) return;
    segments.push({ at, length: end - start, source: from, from: start });
    at += end - start;
  };
  let position = 0;
  for (const { start, end, length, data } of splices) {
    add(source, position, start);
    add(memorySource(joined(data(), length)), 0, length);
    position = end;
  }
  add(source, position, source.size);
  return segments;
}

/** Index of the segment that holds the byte at `offset`, or the number of segments at the very end. */
function segmentAt(segments: readonly Segment[], offset: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { at, length } = segments[middle]!;
    if (at + length <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
