import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "./write-whole.js";

/** The folder that keeps what the demo computed, so that a second run is quick. */
export const CACHE = join(import.meta.dirname, "../../../.cache/demo");

/** The vectors that `compute` gives for this model and these texts, kept between runs of the demo. */
export async function cachedEmbeddings(
  model: Uint8Array,
  texts: readonly string[],
  compute: () => Promise<Float32Array>,
): Promise<Float32Array> {
  const key = createHash("sha256").update(model).update(texts.join("\n")).digest("hex").slice(0, 32);
  const file = join(CACHE, `${key}.f32`);
  if (existsSync(file)) return new Float32Array(new Uint8Array(readFileSync(file)).buffer);
  const vectors = await compute();
  writeWhole(file, new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength));
  return vectors;
}
