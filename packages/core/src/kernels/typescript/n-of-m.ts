import { KEY_MASK, wordsOf } from "../key.js";
import { twoOfFour } from "./two-of-four.js";

/** {@link Primitives.nOfM}: an entry is kept when fewer than n others of its group beat it, counted without a branch on the data. */
export function nOfM(
  values: Float32Array,
  inner: number,
  n: number,
  m: number,
  bits: Uint8Array,
  out: Float32Array | undefined,
): void {
  const words = wordsOf(values);
  const outWords = out && wordsOf(out);
  if (n === 2 && m === 4) {
    twoOfFour(words, inner, bits, outWords);
    return;
  }
  const keys = new Int32Array(m);
  const beaten = new Int32Array(m);
  for (let block = 0; block < words.length; block += m * inner) {
    for (let first = block; first < block + inner; first++) {
      for (let member = 0; member < m; member++) keys[member] = words[first + member * inner]! & KEY_MASK;
      countBeaten(keys, beaten);
      for (let member = 0, index = first; member < m; member++, index += inner) {
        const keep = (beaten[member]! - n) >> 31;
        bits[index >>> 3]! |= keep & (1 << (index & 7));
        if (outWords !== undefined) outWords[index] = words[index]! & keep;
      }
    }
  }
}

/** Counts for every member how many others beat it: of each pair the earlier wins when it is greater, else the later. */
function countBeaten(keys: Int32Array, beaten: Int32Array): void {
  beaten.fill(0);
  for (let member = 0; member < keys.length; member++) {
    const key = keys[member]!;
    let byLater = 0;
    for (let other = member + 1; other < keys.length; other++) {
      // Keys are below 2³¹, so that a difference has the sign of the comparison: -1 where `member` wins, else 0.
      const wins = (keys[other]! - key) >> 31;
      byLater += 1 + wins;
      beaten[other]! -= wins;
    }
    beaten[member]! += byLater;
  }
}
