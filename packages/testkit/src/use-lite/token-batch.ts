import { tokenize } from "./tokenize.js";

/** An int64 tensor as `@espalier/runtime` takes it. */
export interface TokenTensor {
  readonly dtype: "int64";
  /** `[batch, seq]` */
  readonly dims: readonly [number, number];
  /** Row-major. */
  readonly data: BigInt64Array<ArrayBuffer>;
}

/** USE-lite's inputs for some texts. A type and not an interface, so that it is also a record of tensors. */
export type TokenBatch = {
  /** Ids; 0 where padded. */
  readonly input_ids: TokenTensor;
  /** 1 for a token, 0 for padding. */
  readonly attention_mask: TokenTensor;
};

/**
 * The tokens of texts, padded on the right to the longest of them (at least 1, also for empty texts).
 *
 * @param texts at least one
 * @throws {RangeError} when there is none
 */
export function tokenBatch(texts: readonly string[]): TokenBatch {
  if (texts.length === 0) throw new RangeError("tokenBatch: no texts given, at least one is needed");
  return padded(texts.map(tokenize));
}

/** The same for ids that `tokenize` gave already. */
export function padded(rows: readonly (readonly number[])[]): TokenBatch {
  const seq = Math.max(1, ...rows.map((ids) => ids.length));
  const ids = new BigInt64Array(rows.length * seq);
  const mask = new BigInt64Array(rows.length * seq);
  for (const [row, tokens] of rows.entries()) {
    ids.set(tokens.map(BigInt), row * seq);
    mask.fill(1n, row * seq, row * seq + tokens.length);
  }
  const tensorOf = (data: BigInt64Array<ArrayBuffer>): TokenTensor => ({
    dtype: "int64",
    dims: [rows.length, seq],
    data,
  });
  return { input_ids: tensorOf(ids), attention_mask: tensorOf(mask) };
}
