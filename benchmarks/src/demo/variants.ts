import { block, l1, nm, type PruneOptions, type Statistics, unstructured, wanda } from "espalier";

/** A row of the demo's table: how the model is pruned, or undefined for the dense model itself. */
export interface Variant {
  readonly name: string;
  readonly options?: PruneOptions;
}

/**
 * Every row of the demo's table; a new method is one more line.
 *
 * @param statistics what the weights' inputs are like, from samples that no accuracy is measured on
 */
export function variants(statistics: Statistics): readonly Variant[] {
  return [
    { name: "dense" },
    { name: "L1, 30 %", options: { criterion: l1(), pattern: unstructured(0.3) } },
    { name: "L1, 50 %", options: { criterion: l1(), pattern: unstructured(0.5) } },
    { name: "L1, 70 %", options: { criterion: l1(), pattern: unstructured(0.7) } },
    { name: "L1, 4:8", options: { criterion: l1(), pattern: nm(4, 8) } },
    { name: "L1, 2:4", options: { criterion: l1(), pattern: nm(2, 4) } },
    { name: "L1, block 16×4, 50 %", options: { criterion: l1(), pattern: block(16, 4, 0.5) } },
    { name: "Wanda, 50 %", options: { criterion: wanda(), pattern: unstructured(0.5), statistics } },
    { name: "Wanda, 70 %", options: { criterion: wanda(), pattern: unstructured(0.7), statistics } },
    {
      name: "Wanda, 70 %, per layer",
      options: { criterion: wanda(), pattern: unstructured(0.7, { group: "layer" }), statistics },
    },
    { name: "Wanda, 4:8", options: { criterion: wanda(), pattern: nm(4, 8), statistics } },
    { name: "Wanda, 2:4", options: { criterion: wanda(), pattern: nm(2, 4), statistics } },
  ];
}
