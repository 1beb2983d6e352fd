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

const COMPRESSED = {
  gzip: (bytes: Uint8Array) => gzipped(bytes),
  brotli: (bytes: Uint8Array) =>
    brotlied(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
};

const BOTH = Object.keys(COMPRESSED) as readonly (keyof CompressedSize)[];

/**
 * Compresses data, in Node's pool of threads, and tells the sizes; holds the compressed data meanwhile.
 *
 * @param formats @default both
 */
export async function compressedSize<F extends keyof CompressedSize>(
  bytes: Uint8Array,
  formats: readonly F[] = BOTH as readonly F[],
): Promise<Pick<CompressedSize, F>> {
  const sizes = formats.map(async (format) => [format, (await COMPRESSED[format](bytes)).length] as const);
  return Object.fromEntries(await Promise.all(sizes)) as Pick<CompressedSize, F>;
}

/**
 * What a model's files take compressed, each on its own, as it would be written; holds one of them at a time.
 *
 * @param formats @default both
 * @throws {OnnxError} when external data cannot be read
 */
export async function compressedModelSize<F extends keyof CompressedSize>(
  model: Model,
  formats: readonly F[] = BOTH as readonly F[],
): Promise<Pick<CompressedSize, F>> {
  const sizes: Pick<CompressedSize, F>[] = [];
  for (const bytesOf of [() => encodeModel(model), ...externalDataFiles(model).values()]) {
    sizes.push(await compressedSize(bytesOf(), formats));
  }
  const sums = formats.map((format) => [format, sizes.reduce((total, size) => total + size[format], 0)] as const);
  return Object.fromEntries(sums) as Pick<CompressedSize, F>;
}
