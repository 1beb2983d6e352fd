import { inflateSync } from "fflate";
import { badSamples } from "./bad-samples.js";
import { crc32 } from "./crc32.js";
import { readZipDirectory, type ZipEntry } from "./zip-directory.js";

/** Deflate cannot do better: 258 bytes for 2 bits. A size beyond it is a lie, told to make us allocate. */
const MAX_DEFLATE_RATIO = 1032;

/** A file of an archive, decompressed when asked. */
export interface ZipFile {
  readonly name: string;
  /** @throws {RunnerError} `bad-samples` when the content is damaged */
  read(): Uint8Array;
}

/**
 * Lists the files of a ZIP archive. Sizes are checked before anything is allocated.
 *
 * @param bytes the archive: stored or deflated files, no ZIP64, no encryption, one disk
 * @param options `maxBytes` limits the sum of the decompressed sizes; `name` is for messages
 * @throws {RunnerError} `bad-samples`
 */
export function openZip(
  bytes: Uint8Array,
  options: { readonly maxBytes: number; readonly name: string },
): readonly ZipFile[] {
  const entries = readZipDirectory(bytes, options.name);
  for (const entry of entries) checkRatio(entry, options.name);
  const total = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (total > options.maxBytes) {
    throw badSamples(
      options.name,
      `${total} bytes when decompressed, the limit is ${options.maxBytes}; split the file or raise \`maxBytes\`.`,
    );
  }
  return entries.map((entry) => ({ name: entry.name, read: () => readEntry(bytes, entry, options.name) }));
}

function checkRatio(entry: ZipEntry, archive: string): void {
  const { compressed, size, compressedSize } = entry;
  const possible = compressed ? size <= compressedSize * MAX_DEFLATE_RATIO : size === compressedSize;
  if (possible) return;
  throw failEntry(
    archive,
    entry,
    `${compressedSize} compressed bytes cannot hold the ${size} bytes that are declared.`,
  );
}

function readEntry(bytes: Uint8Array, entry: ZipEntry, archive: string): Uint8Array {
  const packed = bytes.subarray(entry.dataOffset, entry.dataOffset + entry.compressedSize);
  const content = entry.compressed ? inflate(packed, entry, archive) : packed;
  if (crc32(content) === entry.crc) return content;
  throw failEntry(archive, entry, "the checksum does not match: the file is damaged; make or copy it again.");
}

function inflate(packed: Uint8Array, entry: ZipEntry, archive: string): Uint8Array {
  let content: Uint8Array;
  try {
    // One byte more than declared, so that a longer stream shows.
    content = inflateSync(packed, { out: new Uint8Array(entry.size + 1) });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw failEntry(archive, entry, `the compressed data are damaged (${reason}).`, cause);
  }
  if (content.length === entry.size) return content;
  const found = content.length > entry.size ? "more" : `${content.length}`;
  throw failEntry(archive, entry, `${entry.size} bytes are declared, found ${found}.`);
}

function failEntry(archive: string, entry: ZipEntry, what: string, cause?: unknown) {
  const where = `${archive}, entry ${JSON.stringify(entry.name)}, byte ${entry.dataOffset}`;
  return badSamples(where, what, {
    entry: entry.name,
    offset: entry.dataOffset,
    ...(cause === undefined ? {} : { cause }),
  });
}
