import type { Moments } from "../moments.js";

/** The moments of the positions of both; `b` absent: `a` itself. */
export function sumMoments(a: Moments, b: Moments | undefined): Moments {
  if (b === undefined) return a;
  return {
    count: a.count + b.count,
    gram: sum(a.gram, b.gram),
    ...(a.cross && b.cross && { cross: sum(a.cross, b.cross) }),
    sum: sum(a.sum, b.sum),
    denseSum: sum(a.denseSum, b.denseSum),
    ...(a.drift &&
      b.drift && { drift: { cross: sum(a.drift.cross, b.drift.cross), sum: sum(a.drift.sum, b.drift.sum) } }),
  };
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  const total = new Float64Array(a.length);
  for (let at = 0; at < a.length; at++) total[at] = a[at]! + b[at]!;
  return total;
}
