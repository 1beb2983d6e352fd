import { embedTexts, type TokenBatch, tokenize } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

/** Stands for a model of width 2: how many tokens a text has, and its first id. */
async function countAndFirst({ input_ids, attention_mask }: TokenBatch): Promise<Float32Array> {
  const [batch, seq] = input_ids.dims;
  const rows = Array.from({ length: batch }, (_, row) => {
    const mask = attention_mask.data.slice(row * seq, (row + 1) * seq);
    return [mask.reduce((sum, bit) => sum + Number(bit), 0), Number(input_ids.data[row * seq])];
  });
  return Float32Array.from(rows.flat());
}

describe("embedTexts", () => {
  const texts = ["of the sea", "the", "a small boat with a sail", "to", "in it"];
  const expected = texts.flatMap((text) => [tokenize(text).length, tokenize(text)[0]]);

  it("gives rows in the order of the texts for any batch size", async () => {
    for (const batchSize of [1, 2, 5, 32]) {
      expect([...(await embedTexts(texts, countAndFirst, batchSize))]).toEqual(expected);
    }
  });

  it("batches texts of similar length", async () => {
    const lengths: number[] = [];
    await embedTexts(
      texts,
      (batch) => {
        lengths.push(batch.input_ids.dims[1]);
        return countAndFirst(batch);
      },
      2,
    );
    const sorted = texts.map((text) => tokenize(text).length).sort((a, b) => a - b);
    expect(lengths).toEqual([sorted[1], sorted[3], sorted[4]]);
  });

  it("gives nothing for no texts", async () => {
    expect(await embedTexts([], countAndFirst)).toHaveLength(0);
  });
});
