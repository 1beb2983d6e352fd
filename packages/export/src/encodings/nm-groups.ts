import { zeroTest } from "./elements.js";
import type { ElementSize } from "./encoding.js";
import { isSet, type NmForm, patternsOf } from "./nm-form.js";

/** One byte for every `perCode` groups. */
export function groupCodes(bytes: Uint8Array<ArrayBuffer>, form: NmForm, size: ElementSize): Uint8Array<ArrayBuffer> {
  const { perCode } = form;
  const patterns = patternsOf(form);
  const numbers = new Map(patterns.map((pattern, number) => [pattern, number]));
  const groups = groupPatterns(bytes, form, size);
  return Uint8Array.from({ length: groups.length / perCode }, (_, code) => {
    let value = 0;
    for (let group = perCode - 1; group >= 0; group--) {
      value = value * patterns.length + numbers.get(groups[code * perCode + group]!)!;
    }
    return value;
  });
}

/** Indices of the elements that are stored, group by group. */
export function groupIndices(bytes: Uint8Array<ArrayBuffer>, form: NmForm, size: ElementSize): Uint32Array {
  const { n, m } = form;
  const groups = groupPatterns(bytes, form, size);
  const indices = new Uint32Array(groups.length * n);
  let at = 0;
  for (let group = 0; group < groups.length; group++) {
    for (let position = 0; position < m; position++) {
      if (isSet(groups[group]!, position)) indices[at++] = group * m + position;
    }
  }
  return indices;
}

/** Which `n` positions of every group are stored, as bits: those of the non-zeros and the lowest others. */
function groupPatterns(bytes: Uint8Array<ArrayBuffer>, { n, m }: NmForm, size: ElementSize): Uint16Array {
  const isZero = zeroTest(bytes, size);
  const groups = new Uint16Array(bytes.length / size / m);
  for (let group = 0; group < groups.length; group++) {
    let bits = 0;
    let free = n;
    for (let position = 0; position < m; position++) {
      if (isZero(group * m + position)) continue;
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
