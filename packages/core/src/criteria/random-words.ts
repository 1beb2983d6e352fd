/** Rounds after which sfc32 has mixed its seed thoroughly, as its author recommends. */
const WARM_UP = 15;

/**
 * A stream of uniform 32-bit integers that a text determines: sfc32 of PractRand, seeded with four murmur-style hashes of
 * the text's UTF-16 code units.
 */
export function randomWords(text: string): () => number {
  let a = hashText(text, 1);
  let b = hashText(text, 2);
  let c = hashText(text, 3);
  let counter = hashText(text, 4);
  const next = (): number => {
    const word = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + word) | 0;
    return word >>> 0;
  };
  for (let round = 0; round < WARM_UP; round++) next();
  return next;
}

function hashText(text: string, salt: number): number {
  let hash = Math.imul(salt, 0x9e3779b1) ^ text.length;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0xcc9e2d51);
    hash = (hash << 13) | (hash >>> 19);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
