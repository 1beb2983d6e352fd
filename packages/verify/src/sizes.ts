import { modelSize } from "@espalier/onnx";
import { compressedModelSize } from "./compressed-size.js";
import type { VerifyOptions } from "./options.js";
import type { Verification } from "./verification.js";

/** What both models take on disk, and compressed as far as options ask. */
export async function sizesOf(
  options: VerifyOptions,
): Promise<Pick<Verification, "bytes" | "gzipBytes" | "brotliBytes">> {
  const { original, pruned, compressed = false, gzip = false } = options;
  const bytes = { original: modelSize(original), pruned: modelSize(pruned) };
  if (compressed) {
    const [before, after] = [await compressedModelSize(original), await compressedModelSize(pruned)];
    return {
      bytes,
      gzipBytes: { original: before.gzip, pruned: after.gzip },
      brotliBytes: { original: before.brotli, pruned: after.brotli },
    };
  }
  if (!gzip) return { bytes };
  const [before, after] = [await compressedModelSize(original, ["gzip"]), await compressedModelSize(pruned, ["gzip"])];
  return { bytes, gzipBytes: { original: before.gzip, pruned: after.gzip } };
}
