import { zeroTest } from "./elements.js";
import type { ElementSize } from "./encoding.js";
import { isSet, type NmForm, patternsOf } from "./nm-form.js";
import type { ReductionLines } from "./reduction-lines.js";

/** The codes `[outer · codeRows, inner]`: a byte for every `perCode` groups of a line. */
export function groupCodes(
  bytes: Uint8Array<ArrayBuffer>,
  size: ElementSize,
  form: NmForm,
  lines: ReductionLines,
): Uint8Array<ArrayBuffer> {
  const { perCode } = form;
  const { inner } = lines;
  const patterns = patternsOf(form);
  const numbers = new Map(patterns.map((pattern, number) => [pattern, number]));
  const groups = groupPatterns(bytes, size, form, lines);
  return Uint8Array.from({ length: groups.length / perCode }, (_, at) => {
    const line = at % inner;
    const first = ((at - line) / inner) * perCode;
    let code = 0;
    for (let group = perCode - 1; group >= 0; group--) {
      code = code * patterns.length + numbers.get(groups[(first + group) * inner + line]!)!;
    }
    return code;
  });
}

/** Indices of the elements that are stored, `[outer · codeRows, n · perCode, inner]`: group by group along every line. */
export function groupIndices(
  bytes: Uint8Array<ArrayBuffer>,
  size: ElementSize,
  form: NmForm,
  lines: ReductionLines,
): Uint32Array {
  const { n, m } = form;
  const { inner } = lines;
  const groups = groupPatterns(bytes, size, form, lines);
  const indices = new Uint32Array(groups.length * n);
  for (let group = 0; group < groups.length; group++) {
    const line = group % inner;
    const above = (group - line) / inner;
    for (let position = 0, stored = 0; position < m; position++) {
      if (!isSet(groups[group]!, position)) continue;
      indices[(above * n + stored++) * inner + line] = (above * m + position) * inner + line;
    }
  }
  return indices;
}

/** Which `n` positions of every group are stored, as bits: those of the non-zeros and the lowest others. */
function groupPatterns(
  bytes: Uint8Array<ArrayBuffer>,
  size: ElementSize,
  { n, m }: NmForm,
  { inner }: ReductionLines,
): Uint16Array {
  const isZero = zeroTest(bytes, size);
  const groups = new Uint16Array(bytes.length / size / m);
  for (let group = 0; group < groups.length; group++) {
    const line = group % inner;
    const first = ((group - line) / inner) * m;
    let bits = 0;
    let free = n;
    for (let position = 0; position < m; position++) {
      if (isZero((first + position) * inner + line)) continue;
      bits |= 1 << position;
      free--;
    }
    for (let position = 0; free > 0; position++) {
      if (isSet(bits, position)) continue;
      bits |= 1 << position;
      free--;
    }
    groups[group] = bits;
  }
  return groups;
}
