/**
 * The choice of what goes by optimal brain surgeon: whatever raises the error of the layer's output least when the weights
 * that stay are adjusted. It is no score of single weights, so it is no criterion of `@espalier/core`, but it stands where one can.
 */
export interface Obs {
  readonly name: "obs";
  /** Of an unstructured pattern that names none. */
  readonly defaultGroup: "layer";
}

/**
 * Lets compensation choose what goes: see {@link Obs}.
 *
 * @see Frantar and Alistarh 2023, arXiv:2301.00774 (SparseGPT); Hassibi and Stork 1992
 */
export function obs(): Obs {
  return { name: "obs", defaultGroup: "layer" };
}
