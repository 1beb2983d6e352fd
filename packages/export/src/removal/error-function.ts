/** Below, the series is exact to f64 with few terms; above, the continued fraction converges fast. */
const SERIES_LIMIT = 2.5;

/**
 * The error function, to about 1e-12: `2/√π ∫₀ˣ exp(−t²) dt`.
 *
 * @see Abramowitz and Stegun 1964, 7.1.5 (series) and 7.1.14 (continued fraction)
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (size > 6) return Math.sign(x);
  return Math.sign(x) * (size < SERIES_LIMIT ? series(size) : 1 - complement(size));
}

function series(x: number): number {
  let power = x;
  let sum = x;
  for (let n = 1; n < 100; n++) {
    power *= (-x * x) / n;
    sum += power / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function complement(x: number): number {
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
