import { badSamples } from "./bad-samples.js";

/** A file as the archive's directory lists it; offsets and sizes in bytes, all inside the archive. */
export interface ZipEntry {
  readonly name: string;
  /** Whether the content is deflated; stored as it is otherwise. */
  readonly compressed: boolean;
  readonly compressedSize: number;
  readonly size: number;
  readonly crc: number;
  /** Where the content begins. */
  readonly dataOffset: number;
}

const END_SIGNATURE = 0x0605_4b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ENTRY_SIGNATURE = 0x0201_4b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x0403_4b50;
const LOCAL_BYTES = 30;
/** "See the ZIP64 record". */
const ZIP64_MARK = 0xffff_ffff;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;

/**
 * Reads the central directory of a ZIP archive.
 *
 * @throws {RunnerError} `bad-samples` with the offset (and the entry) for anything cut, out of bounds, encrypted, ZIP64,
 *   compressed otherwise than by deflate, or listed twice
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT sections 4.3.7, 4.3.12, 4.3.16
 */
export function readZipDirectory(bytes: Uint8Array, archive: string): readonly ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view, archive);
  const count = view.getUint16(end + 10, true);
  const entries: ZipEntry[] = [];
  let at = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      throw fail(
        archive,
        at,
        `the directory ends after ${i} of ${count} entries: the file is damaged or larger than 4 GB.`,
      );
    }
    entries.push(readEntry(bytes, view, at, end, archive));
    at += ENTRY_BYTES + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  const seen = new Set<string>();
  const twice = entries.find(({ name }) => seen.size === seen.add(name).size)?.name;
  if (twice !== undefined)
    throw badSamples(archive, `entry ${JSON.stringify(twice)} is there twice.`, { entry: twice });
  return entries;
}

/** The record stands at the very end, before a comment of up to 64 KB. */
function findEnd(view: DataView, archive: string): number {
  const lowest = Math.max(0, view.byteLength - END_BYTES - MAX_COMMENT_BYTES);
  for (let at = view.byteLength - END_BYTES; at >= lowest; at--) {
    const commentBytes = view.byteLength - at - END_BYTES;
    if (view.getUint32(at, true) === END_SIGNATURE && view.getUint16(at + 20, true) === commentBytes) return at;
  }
  throw fail(archive, view.byteLength, "no ZIP directory at the end: this is no .npz file, or it is cut off.");
}

function readEntry(bytes: Uint8Array, view: DataView, at: number, end: number, archive: string): ZipEntry {
  const nameBytes = view.getUint16(at + 28, true);
  if (at + ENTRY_BYTES + nameBytes > end) throw fail(archive, at, "the name of an entry runs out of the directory.");
  const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes));
  const method = view.getUint16(at + 10, true);
  const compressedSize = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const local = view.getUint32(at + 42, true);
  const refuse = (what: string) => fail(archive, at, what, name);
  if (view.getUint16(at + 8, true) & ENCRYPTED) throw refuse("it is encrypted.");
  if (method !== STORED && method !== DEFLATED)
    throw refuse(`compression method ${method}; expected 0 (stored) or 8 (deflate).`);
  if (compressedSize === ZIP64_MARK || size === ZIP64_MARK || local === ZIP64_MARK) {
    throw refuse("ZIP64 (4 GB and more) is not read; split the samples into several files.");
  }
  if (local + LOCAL_BYTES > end || view.getUint32(local, true) !== LOCAL_SIGNATURE) {
    throw refuse(`no local header at byte ${local}: the file is damaged.`);
  }
  // The local name and extra field may be longer than the directory's: numpy writes a ZIP64 field there, always.
  const dataOffset = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (dataOffset + compressedSize > end) throw refuse(`its ${compressedSize} bytes run out of the file.`);
  return {
    name,
    compressed: method === DEFLATED,
    compressedSize,
    size,
    crc: view.getUint32(at + 16, true),
    dataOffset,
  };
}

function fail(archive: string, offset: number, what: string, entry?: string) {
  const where = entry === undefined ? archive : `${archive}, entry ${JSON.stringify(entry)}`;
  return badSamples(`${where}, byte ${offset}`, what, { offset, ...(entry === undefined ? {} : { entry }) });
}
