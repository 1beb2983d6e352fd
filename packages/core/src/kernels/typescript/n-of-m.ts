import { KEY_MASK, wordsOf } from "../key.js";
import { twoOfFour } from "./two-of-four.js";

/** {@link Primitives.nOfM}: an entry is kept when fewer than n others of its group beat it, counted without branches. */
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
  for (let block = 0; block < words.length; block += m * inner) {
    for (let first = block; first < block + inner; first++) {
      for (let member = 0; member < m; member++) keys[member] = words[first + member * inner]! & KEY_MASK;
      for (let member = 0; member < m; member++) {
        const keep = keepMember(keys, member, n);
        const index = first + member * inner;
        bits[index >>> 3]! |= keep & (1 << (index & 7));
        if (outWords !== undefined) outWords[index] = words[index]! & keep;
      }
    }
  }
}

/** -1 to keep, 0 to prune. Keys are below 2³¹, so that a difference has the sign of the comparison. */
function keepMember(keys: Int32Array, member: number, n: number): number {
  const key = keys[member]!;
  let notBeaten = 0;
  for (let other = 0; other < member; other++) notBeaten -= (key - keys[other]!) >> 31;
  // A later member also wins a tie.
  for (let other = member + 1; other < keys.length; other++) notBeaten += 1 + ((keys[other]! - key) >> 31);
  return (notBeaten - n) >> 31;
}
