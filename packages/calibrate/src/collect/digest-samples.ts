import { createHash } from "node:crypto";
import type { Sample, Tensor } from "@espalier/runtime";

/**
 * SHA-256 over samples: inputs by name in UTF-16 order, each with dtype, sizes and elements.
 *
 * @returns 64 lower-case hex digits
 */
export function digestSamples(samples: readonly Sample[]): string {
  const hash = createHash("sha256");
  for (const sample of samples) {
    for (const name of Object.keys(sample).sort()) {
      const { dtype, dims, data } = sample[name]!;
      hash.update(`${JSON.stringify([name, dtype, dims])}\n`).update(elementBytes(data));
    }
  }
  return hash.digest("hex");
}

function elementBytes(data: Tensor["data"]): Uint8Array | string {
  // JSON quotes every text, so that where one ends and the next begins cannot shift.
  if (!ArrayBuffer.isView(data)) return JSON.stringify(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
