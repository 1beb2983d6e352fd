import { createHash } from "node:crypto";
import { matrixLayout, type WeightView } from "@espalier/core";

/**
 * The rows of a weight's matrix `[outChannels, inFeatures]`, one out channel at a time.
 *
 * @returns the same array every time, filled anew: use it before the next is asked for
 */
export function* matrixRows(weight: WeightView): Generator<Float32Array | Float64Array> {
  const values = weight.read();
  const { outOffsets, featureOffsets } = matrixLayout(weight);
  const row =
    values instanceof Float64Array ? new Float64Array(weight.inFeatures) : new Float32Array(weight.inFeatures);
  for (const start of outOffsets) {
    for (let feature = 0; feature < row.length; feature++) row[feature] = values[start + featureOffsets[feature]!]!;
    yield row;
  }
}

/** The digest of a certified weight: of the bytes of all rows, one after the other. */
export class MatrixDigest {
  readonly #hash = createHash("sha256");

  add(row: Float32Array | Float64Array): void {
    this.#hash.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
  }

  /** `sha256:` and 64 hex digits; once. */
  text(): string {
    return `sha256:${this.#hash.digest("hex")}`;
  }
}
