import { createHash } from "node:crypto";
import { weightsDigestChunks } from "@espalier/core";
import { type Model, tensorByteLength, tensorChunks } from "@espalier/onnx";
import { type TensorEdit, wouldChange } from "./zero-entries.js";

/** What edits find in a model. */
export interface Examination {
  /** The weights in which some bit would change. */
  readonly changed: readonly TensorEdit[];
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
 * @throws {ExportError} what `wouldChange` throws
 * @throws {OnnxError} what `tensorBytes` throws
 */
export function* examineWeights(model: Model, edits: readonly TensorEdit[]): Generator<string, Examination, undefined> {
  const hash = createHash("sha256");
  const changed: TensorEdit[] = [];
  // In the order of the digest, so that those of single weights, one after the other, are that of all.
  for (const one of edits.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (wouldChange(model, one)) changed.push(one);
    for (const chunk of digestChunks(model, one)) hash.update(chunk);
    yield one.name;
  }
  return { changed, digest: `sha256:${hash.digest("hex")}` };
}

function digestChunks(model: Model, { name, tensor }: TensorEdit): Iterable<Uint8Array> {
  const byteLength = tensorByteLength(tensor);
  return weightsDigestChunks([{ name, byteLength, bytes: () => tensorChunks(model, tensor) }]);
}
