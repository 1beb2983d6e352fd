import { createHash } from "node:crypto";
import { weightsDigestChunks } from "@espalier/core";
import { type Model, type PrunableWeight, tensorBytes } from "@espalier/onnx";

/**
 * The `originalWeights` of a pruning step: `sha256:` and 64 hex digits over the names and bytes of these weights as they
 * are in `model`. Reads one tensor at a time. The only file of this package that needs Node.
 *
 * @throws {OnnxError} what `tensorBytes` throws
 */
export function digestWeights(model: Model, weights: readonly PrunableWeight[]): string {
  const hash = createHash("sha256");
  const parts = weights.map(({ name, tensor }) => ({ name, bytes: () => tensorBytes(model, tensor) }));
  for (const chunk of weightsDigestChunks(parts)) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}
