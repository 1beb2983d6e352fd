import type { GraphAdditions } from "./graph-additions.js";
import { type Dim, keyOf, sizeOf } from "./shapes/dim.js";

/** Sizes of axes as values of the graph, int64 `[1]`: equal ones are taken from the same place, so that they are computed once. */
export class Sizes {
  readonly #graph: GraphAdditions;
  readonly #known = new Map<string, string>();

  constructor(graph: GraphAdditions) {
    this.#graph = graph;
  }

  /** The size of an axis of a value. @param dim what is known of it; undefined = nothing */
  of(dim: Dim | undefined, value: string, axis: number): string {
    const size = dim && sizeOf(dim);
    if (size !== undefined) return this.#graph.integers([size]);
    const known = dim && this.#known.get(keyOf(dim));
    if (known !== undefined) return known;
    const graph = this.#graph;
    const measured = graph.op("Gather", [graph.op("Shape", [value]), graph.integers([axis])], { axis: 0n });
    if (dim) this.#known.set(keyOf(dim), measured);
    return measured;
  }

  /** `size · factor`, where both are sizes. */
  times(size: string, factor: string): string {
    return this.#graph.op("Mul", [size, factor]);
  }
}
