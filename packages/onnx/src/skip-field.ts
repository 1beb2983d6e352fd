import { type Cursor, cutOff } from "./cursor.js";
import { OnnxError } from "./errors.js";
import { MAX_DEPTH } from "./limits.js";
import { WireType } from "./proto.js";

/**
 * Moves over the value of a field nobody knows, whose tag has been read.
 *
 * @param start offset of the tag
 * @param end where the message around the field ends
 * @param depth nesting of that message
 * @throws {OnnxError} `truncated`, `malformed`, `too-deep`
 */
export function skipField(cursor: Cursor, tag: number, start: number, end: number, depth: number): void {
  const wireType = tag & 7;
  if (wireType === WireType.LengthDelimited) {
    const length = cursor.length(end);
    cursor.position += length;
  } else if (wireType === WireType.StartGroup) skipGroup(cursor, tag >>> 3, start, end, depth + 1);
  else if (wireType === WireType.EndGroup) {
    throw new OnnxError("malformed", `a group ends at byte ${start} that never started`, { offset: start });
  } else skipNumber(cursor, wireType, end);
}

/**
 * Moves over a number that is no list: a varint or 4 or 8 bytes, all of them before `end`.
 *
 * @throws {OnnxError} `truncated`, `malformed`
 */
export function skipNumber(cursor: Cursor, wireType: number, end: number): void {
  if (wireType === WireType.Varint) {
    cursor.varint(end);
    return;
  }
  const size = fixedSize(wireType);
  if (cursor.position + size > end) throw cutOff(cursor.source, cursor.position, end, `a number of ${size} bytes`);
  cursor.position += size;
}

/** Bytes of a number of the wire types Bit64 and Bit32. */
export function fixedSize(wireType: number): number {
  return wireType === WireType.Bit64 ? 8 : 4;
}

/** The error of nesting beyond the limit. */
export function tooDeep(offset: number): OnnxError {
  return new OnnxError("too-deep", `messages are nested deeper than ${MAX_DEPTH} at byte ${offset}`, { offset });
}

/** Recursion is as deep as groups are nested, so the limit protects the stack here too. */
function skipGroup(cursor: Cursor, number: number, start: number, end: number, depth: number): void {
  if (depth > MAX_DEPTH) throw tooDeep(start);
  for (;;) {
    const at = cursor.position;
    const tag = cursor.tag(end);
    if (tag === number * 8 + WireType.EndGroup) return;
    skipField(cursor, tag, at, end, depth);
  }
}
