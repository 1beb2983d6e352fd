/**
 * Whether a label is among the `top` classes with the highest scores; of equal scores the lower class comes first. A NaN ranks
 * above every number but is never right.
 *
 * @param scores of which `classes` from `start` on belong to this example
 * @param label in [0, classes)
 */
export function isAmongTop(
  scores: ArrayLike<number>,
  start: number,
  classes: number,
  label: number,
  top: number,
): boolean {
  const own = scores[start + label]!;
  let ahead = 0;
  for (let other = 0; other < classes && ahead < top; other++) {
    const score = scores[start + other]!;
    if (other !== label && !(score < own || (score === own && other > label))) ahead++;
  }
  return ahead < top && !Number.isNaN(own);
}
