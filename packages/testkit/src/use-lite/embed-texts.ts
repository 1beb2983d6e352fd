import { padded, type TokenBatch } from "./token-batch.js";
import { tokenize } from "./tokenize.js";

/**
 * Embeddings of many texts, computed in batches of similar length so that little padding is run.
 *
 * @param embed runs USE-lite (dense or pruned) and gives its output `embedding`, row-major `[batch, width]`
 * @param batchSize texts a batch; the last batch may be smaller
 * @returns row-major `[texts, width]` in the order of `texts`; empty for no texts. Rows of other batch sizes may differ in
 * their last bits, because padding changes the order of sums inside a runtime
 */
export async function embedTexts(
  texts: readonly string[],
  embed: (batch: TokenBatch) => Promise<Float32Array>,
  batchSize = 32,
): Promise<Float32Array<ArrayBuffer>> {
  const rows = texts.map((text, index) => ({ ids: tokenize(text), index }));
  rows.sort((a, b) => a.ids.length - b.ids.length);
  let result = new Float32Array(0);
  for (let start = 0; start < rows.length; start += batchSize) {
    const batch = rows.slice(start, start + batchSize);
    const embeddings = await embed(padded(batch.map(({ ids }) => ids)));
    const width = embeddings.length / batch.length;
    if (start === 0) result = new Float32Array(texts.length * width);
    for (const [row, { index }] of batch.entries()) {
      result.set(embeddings.subarray(row * width, (row + 1) * width), index * width);
    }
  }
  return result;
}
