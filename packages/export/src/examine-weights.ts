import { createHash } from "node:crypto";
import { weightsDigestChunks } from "@espalier/core";
import { type Model, type PrunableWeight, tensorByteLength, tensorChunks } from "@espalier/onnx";
import { type MaskedWeight, wouldChange } from "./zero-entries.js";

/** What masks find in a model. */
export interface Examination {
  /** The weights in which some bit would change. */
  readonly changed: readonly MaskedWeight[];
  /**
   * The `originalWeights` of a pruning step: `sha256:` and 64 hex digits over the names and bytes of all the weights as they
   * are in the model.
   */
  readonly digest: string;
}

/**
 * Reads every weight once, in pieces. The only file of this package that needs Node.
 *
 * @returns yields the name of each weight that is done
 * @throws {OnnxError} what `tensorBytes` throws
 */
export function* examineWeights(
  model: Model,
  masked: readonly MaskedWeight[],
): Generator<string, Examination, undefined> {
  const hash = createHash("sha256");
  const changed: MaskedWeight[] = [];
  // In the order of the digest, so that those of single weights, one after the other, are that of all.
  for (const one of masked.toSorted((a, b) => (a.weight.name < b.weight.name ? -1 : 1))) {
    if (wouldChange(model, one)) changed.push(one);
    for (const chunk of digestChunks(model, one.weight)) hash.update(chunk);
    yield one.weight.name;
  }
  return { changed, digest: `sha256:${hash.digest("hex")}` };
}

function digestChunks(model: Model, { name, tensor }: PrunableWeight): Iterable<Uint8Array> {
  const byteLength = tensorByteLength(tensor);
  return weightsDigestChunks([{ name, byteLength, bytes: () => tensorChunks(model, tensor) }]);
}
