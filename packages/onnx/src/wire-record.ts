import { WireType } from "./proto.js";

/** A varint in as few bytes as possible. */
export function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Tag and length prefix of a length-delimited record; `length` bytes of content have to follow. */
export function recordHeader(field: number, length: number): Uint8Array {
  return concat([varintBytes(field * 8 + WireType.LengthDelimited), varintBytes(length)]);
}

/** A length-delimited record. */
export function record(field: number, content: Uint8Array): Uint8Array {
  return concat([recordHeader(field, content.length), content]);
}

/** A `StringStringEntryProto` as a record of the field. */
export function stringEntryRecord(field: number, key: string, value: string): Uint8Array {
  const encoder = new TextEncoder();
  return record(field, concat([record(1, encoder.encode(key)), record(2, encoder.encode(value))]));
}

/** All parts in one array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
