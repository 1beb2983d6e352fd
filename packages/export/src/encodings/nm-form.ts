import { bitCount } from "./bit-count.js";
import { zeroTest } from "./elements.js";
import type { ElementSize } from "./encoding.js";
import type { ReductionLines } from "./reduction-lines.js";

/** At most `n` of every `m` consecutive input channels are stored, `perCode` such groups with one byte for their positions. */
export interface NmForm {
  readonly n: number;
  readonly m: number;
  readonly perCode: number;
}

/** Lengths of groups that are tried. Longer ones have more patterns than a byte can tell, but for the very sparse. */
const GROUP_LENGTHS: readonly number[] = [2, 4, 8, 16];

/** Values of a byte. */
const CODES = 256;

/** The forms that can hold a tensor, the one with the fewest bytes first. */
export function nmForms(bytes: Uint8Array<ArrayBuffer>, size: ElementSize, lines: ReductionLines): readonly NmForm[] {
  const isZero = zeroTest(bytes, size);
  const forms = GROUP_LENGTHS.filter((m) => lines.length % m === 0).flatMap((m) => {
    const n = Math.max(1, mostInGroup(isZero, lines, m));
    const patterns = patternCount(n, m);
    if (n === m || patterns > CODES) return [];
    const groups = (lines.outer * lines.length) / m;
    let perCode = 1;
    for (let more = 2; patterns ** more <= CODES; more++) if (groups % more === 0) perCode = more;
    return [{ n, m, perCode }];
  });
  return forms.sort((a, b) => nmBytes(a, size, lines) - nmBytes(b, size, lines));
}

/** Bytes of the values and the codes. */
export function nmBytes(form: NmForm, size: ElementSize, lines: ReductionLines): number {
  return lines.inner * codeRows(form, lines) * (form.n * form.perCode * size + 1);
}

/** Codes that lie behind each other, over all of `outer`. */
export function codeRows({ m, perCode }: NmForm, { outer, length }: ReductionLines): number {
  return (outer * length) / m / perCode;
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

function mostInGroup(isZero: (index: number) => boolean, { outer, length, inner }: ReductionLines, m: number): number {
  let most = 0;
  for (let group = 0; group < (outer * length) / m; group++) {
    for (let line = 0; line < inner; line++) {
      let found = 0;
      for (let position = 0; position < m; position++) {
        found += Number(!isZero((group * m + position) * inner + line));
      }
      if (found > most) most = found;
    }
  }
  return most;
}

/** Binomial coefficient: how many ways there are to choose n of m. */
function patternCount(n: number, m: number): number {
  let ways = 1;
  for (let step = 1; step <= n; step++) ways = (ways * (m - n + step)) / step;
  return Math.round(ways);
}
