import { compressedModelSize } from "./compressed-size.js";
import { modelBytes } from "./model-bytes.js";
import type { VerifyOptions } from "./options.js";
import type { Verification } from "./verification.js";

/** What both models take on disk, and compressed as far as options ask. */
export async function sizesOf(
  options: VerifyOptions,
): Promise<Pick<Verification, "bytes" | "gzipBytes" | "brotliBytes">> {
  const { original, pruned, compressed = false, gzip = false } = options;
  const before = modelBytes(original, gzip && !compressed);
  const after = modelBytes(pruned, gzip && !compressed);
  const bytes = { original: before.raw, pruned: after.raw };
  if (!compressed) return { bytes, ...(gzip && { gzipBytes: { original: before.gzip, pruned: after.gzip } }) };
  const [first, second] = [await compressedModelSize(original), await compressedModelSize(pruned)];
  return {
    bytes,
    gzipBytes: { original: first.gzip, pruned: second.gzip },
    brotliBytes: { original: first.brotli, pruned: second.brotli },
  };
}
