import { KEY_MASK } from "../key.js";

/** 2:4 for {@link nOfM}: `inner` is how far the members of a group lie apart. */
export function twoOfFour(words: Int32Array, inner: number, bits: Uint8Array, out: Int32Array | undefined): void {
  if (inner === 1) consecutive(words, bits, out);
  else strided(words, inner, bits, out);
}

function consecutive(words: Int32Array, bits: Uint8Array, out: Int32Array | undefined): void {
  for (let i = 0; i < words.length; i += 4) {
    const keep = keepTwo(words[i]!, words[i + 1]!, words[i + 2]!, words[i + 3]!);
    bits[i >>> 3]! |= keep << (i & 4);
    if (out !== undefined) {
      out[i] = words[i]! & -(keep & 1);
      out[i + 1] = words[i + 1]! & -((keep >> 1) & 1);
      out[i + 2] = words[i + 2]! & -((keep >> 2) & 1);
      out[i + 3] = words[i + 3]! & -(keep >> 3);
    }
  }
}

function strided(words: Int32Array, inner: number, bits: Uint8Array, out: Int32Array | undefined): void {
  for (let block = 0; block < words.length; block += 4 * inner) {
    for (let first = block; first < block + inner; first++) {
      const second = first + inner;
      const third = second + inner;
      const fourth = third + inner;
      const keep = keepTwo(words[first]!, words[second]!, words[third]!, words[fourth]!);
      bits[first >>> 3]! |= (keep & 1) << (first & 7);
      bits[second >>> 3]! |= ((keep >> 1) & 1) << (second & 7);
      bits[third >>> 3]! |= ((keep >> 2) & 1) << (third & 7);
      bits[fourth >>> 3]! |= (keep >> 3) << (fourth & 7);
      if (out !== undefined) {
        out[first] = words[first]! & -(keep & 1);
        out[second] = words[second]! & -((keep >> 1) & 1);
        out[third] = words[third]! & -((keep >> 2) & 1);
        out[fourth] = words[fourth]! & -(keep >> 3);
      }
    }
  }
}

/** Four bits, 1 = keep, from the six comparisons of a group: x > y is the sign of y - x, as keys are below 2³¹. */
function keepTwo(first: number, second: number, third: number, fourth: number): number {
  const a = first & KEY_MASK;
  const b = second & KEY_MASK;
  const c = third & KEY_MASK;
  const d = fourth & KEY_MASK;
  const ab = (b - a) >> 31;
  const ac = (c - a) >> 31;
  const ad = (d - a) >> 31;
  const bc = (c - b) >> 31;
  const bd = (d - b) >> 31;
  const cd = (d - c) >> 31;
  // Each is kept when it wins two of its three comparisons; a later one wins a tie.
  const keepA = (ab + ac + ad + 1) >> 31;
  const keepB = (bc + bd - ab) >> 31;
  const keepC = (cd - ac - bc - 1) >> 31;
  const keepD = keepA ^ keepB ^ keepC;
  return (keepA & 1) | (keepB & 2) | (keepC & 4) | (keepD & 8);
}
