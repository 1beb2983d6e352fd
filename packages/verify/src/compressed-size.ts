import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { encodeModel, externalDataFiles, type Model } from "@espalier/onnx";

/** Bytes that are left of some data. */
export interface CompressedSize {
  /** At gzip's default level 6. */
  readonly gzip: number;
  /** At quality 5 of 11, as servers compress while they send. */
  readonly brotli: number;
}

/**
 * 5 takes a second for 10 MB of pruned weights and comes within 3 % of what 11 makes of them, which takes a minute and more. So the
 * size is what a server sends that compresses on the fly, and an upper bound for one that has compressed beforehand.
 */
const BROTLI_QUALITY = 5;

const [gzipped, brotlied] = [promisify(gzip), promisify(brotliCompress)];

/** Compresses data both ways, in Node's pool of threads, and tells the sizes; holds the compressed data meanwhile. */
export async function compressedSize(bytes: Uint8Array): Promise<CompressedSize> {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const [byGzip, byBrotli] = await Promise.all([gzipped(bytes), brotlied(bytes, { params })]);
  return { gzip: byGzip.length, brotli: byBrotli.length };
}

/**
 * What a model's files take compressed, each on its own, as it would be written; holds one of them at a time.
 *
 * @throws {OnnxError} when external data cannot be read
 */
export async function compressedModelSize(model: Model): Promise<CompressedSize> {
  const sizes: CompressedSize[] = [];
  for (const bytesOf of [() => encodeModel(model), ...externalDataFiles(model).values()]) {
    sizes.push(await compressedSize(bytesOf()));
  }
  const sum = (of: keyof CompressedSize) => sizes.reduce((total, size) => total + size[of], 0);
  return { gzip: sum("gzip"), brotli: sum("brotli") };
}
