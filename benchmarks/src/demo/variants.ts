import { block, l1, nm, obs, type PruneOptions, type Sample, type Statistics, unstructured, wanda } from "espalier";

/** A row of the demo's table: how the model is pruned, or undefined for the dense model itself. */
export interface Variant {
  readonly name: string;
  readonly options?: PruneOptions;
}

/**
 * Every row of the demo's table; a new method is one more line.
 *
 * @param statistics what the weights' inputs are like, from samples that no accuracy is measured on
 * @param calibration some of these samples, for recovery
 */
export function variants(statistics: Statistics, calibration: readonly Sample[]): readonly Variant[] {
  return [
    { name: "dense" },
    { name: "L1, 50 %", options: { criterion: l1(), pattern: unstructured(0.5) } },
    { name: "L1, 70 %", options: { criterion: l1(), pattern: unstructured(0.7) } },
    { name: "L1, 4:8", options: { criterion: l1(), pattern: nm(4, 8) } },
    { name: "L1, 2:4", options: { criterion: l1(), pattern: nm(2, 4) } },
    { name: "L1, block 16×4, 50 %", options: { criterion: l1(), pattern: block(16, 4, 0.5) } },
    { name: "Wanda, 50 %", options: { criterion: wanda(), pattern: unstructured(0.5), statistics } },
    { name: "Wanda, 70 %", options: { criterion: wanda(), pattern: unstructured(0.7), statistics } },
    { name: "Wanda, 4:8", options: { criterion: wanda(), pattern: nm(4, 8), statistics } },
    { name: "Wanda, 2:4", options: { criterion: wanda(), pattern: nm(2, 4), statistics } },
    { name: "OBS, 2:4", options: { criterion: obs(), pattern: nm(2, 4), recover: "obs", calibration } },
    { name: "OBS and least squares, 50 %", options: { criterion: obs(), pattern: unstructured(0.5), calibration } },
    { name: "OBS and least squares, 2:4", options: { criterion: obs(), pattern: nm(2, 4), calibration } },
  ];
}
