/** Halvings of the interval that holds the shift: doubles have no more bits to halve. */
const HALVINGS = 200;

/** A quantity that may be moved. */
export interface Movable {
  readonly value: number;
  /** It stays in [0, most]. */
  readonly most: number;
  /** How much it moves compared with the others, above 0. */
  readonly weight: number;
}

/**
 * Moves quantities, each by the same multiple of its weight and cut at its limits, until they add up to a total; as near to it
 * as the limits allow.
 *
 * @returns in the order of `quantities`, exact to some units in the last place of the total
 */
export function shiftToTotal(quantities: readonly Movable[], total: number): number[] {
  const moved = (shift: number): number[] =>
    quantities.map(({ value, most, weight }) => Math.min(Math.max(value + shift * weight, 0), most));
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  const unmoved = moved(0);
  if (sum(unmoved) === total) return unmoved;
  let low = Math.min(0, ...quantities.map(({ value, weight }) => -value / weight));
  let high = Math.max(0, ...quantities.map(({ value, most, weight }) => (most - value) / weight));
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (sum(moved(middle)) < total) low = middle;
    else high = middle;
  }
  return moved(high);
}
