/**
 * Shares out how many entries go over the blocks in which they are chosen one after the other, so that the total is met
 * exactly: the zeros that are there first, then the rest in proportion to the entries that are not zero, by rounding the
 * running total. No block gets more than it has.
 *
 * @param total entries that go, at most the sum of `sizes`
 * @param sizes entries of each block
 * @param zeros entries of each block that are zero already
 */
export function shareOut(total: number, sizes: readonly number[], zeros: readonly number[]): number[] {
  const zerosInAll = zeros.reduce((sum, count) => sum + count, 0);
  if (total <= zerosInAll) return inProportion(total, zeros);
  const rest = sizes.map((size, block) => size - zeros[block]!);
  return inProportion(total - zerosInAll, rest).map((share, block) => share + zeros[block]!);
}

/** Differences of the rounded running total never exceed a part, because `total` is at most the sum of all parts. */
function inProportion(total: number, parts: readonly number[]): number[] {
  const sum = parts.reduce((all, part) => all + part, 0);
  let seen = 0;
  let given = 0;
  return parts.map((part) => {
    seen += part;
    const upTo = sum === 0 ? 0 : Math.floor((2 * total * seen + sum) / (2 * sum));
    const share = upTo - given;
    given = upTo;
    return share;
  });
}
