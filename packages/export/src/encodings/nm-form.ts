import { bitCount } from "./bit-count.js";
import { zeroTest } from "./elements.js";
import type { ElementSize } from "./encoding.js";

/** At most `n` of every `m` consecutive elements are stored, `perCode` such groups with one byte for their positions. */
export interface NmForm {
  readonly n: number;
  readonly m: number;
  readonly perCode: number;
}

/** Lengths of groups that are tried. Longer ones have more patterns than a byte can tell, but for the very sparse. */
const GROUP_LENGTHS: readonly number[] = [2, 4, 8, 16];

/** Values of a byte. */
const CODES = 256;

/**
 * The forms that can hold a tensor, the one with the fewest bytes first.
 *
 * @param bytes elements in the order in which groups are formed
 * @param run number of elements that groups must not reach across
 */
export function nmForms(bytes: Uint8Array<ArrayBuffer>, size: ElementSize, run: number): readonly NmForm[] {
  const isZero = zeroTest(bytes, size);
  const total = bytes.length / size;
  const forms = GROUP_LENGTHS.filter((m) => run % m === 0).flatMap((m) => {
    const n = Math.max(1, mostInGroup(isZero, total, m));
    const patterns = patternCount(n, m);
    if (n === m || patterns > CODES) return [];
    const groups = total / m;
    let perCode = 1;
    for (let more = 2; patterns ** more <= CODES; more++) if (groups % more === 0) perCode = more;
    return [{ n, m, perCode }];
  });
  return forms.sort((a, b) => nmBytes(a, total, size) - nmBytes(b, total, size));
}

/** Bytes of the values and the codes of `total` elements. */
export function nmBytes({ n, m, perCode }: NmForm, total: number, size: ElementSize): number {
  const groups = total / m;
  return groups * n * size + groups / perCode;
}

/** The positions that each pattern of a form stores, as bits, in ascending order: its place here is its number. */
export function patternsOf({ n, m }: NmForm): readonly number[] {
  const patterns: number[] = [];
  for (let bits = 0; bits < 2 ** m; bits++) if (bitCount(bits) === n) patterns.push(bits);
  return patterns;
}

/** Whether a position is set, for every position of a pattern. */
export function isSet(pattern: number, position: number): boolean {
  return ((pattern >>> position) & 1) === 1;
}

function mostInGroup(isZero: (index: number) => boolean, total: number, m: number): number {
  let most = 0;
  for (let start = 0; start < total; start += m) {
    let found = 0;
    for (let index = start; index < start + m; index++) found += Number(!isZero(index));
    if (found > most) most = found;
  }
  return most;
}

/** Binomial coefficient: how many ways there are to choose n of m. */
function patternCount(n: number, m: number): number {
  let ways = 1;
  for (let step = 1; step <= n; step++) ways = (ways * (m - n + step)) / step;
  return Math.round(ways);
}
