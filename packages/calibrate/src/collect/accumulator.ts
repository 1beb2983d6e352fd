import type { Tensor } from "@espalier/runtime";
import { momentLength, type Sum, triangleLength } from "../moment.js";
import type { Probe } from "../probe.js";

/** Adds up in float64, in the order of the runs, what one probe gives. */
export class Accumulator {
  readonly probe: Probe;
  readonly #values: Float64Array;
  #count = 0;

  constructor(probe: Probe) {
    this.probe = probe;
    this.#values = new Float64Array(momentLength(probe.kind, probe.weights[0]!));
  }

  /** @param outputs of one run of the instrumented model, by name */
  add(outputs: Readonly<Record<string, Tensor>>): void {
    const sums = outputs[this.probe.sumOutput]!.data as Float32Array;
    if (this.probe.kind === "squares") this.#addAll(sums);
    else this.#addTriangles(sums);
    this.#count += Number(outputs[this.probe.countOutput]!.data[0]);
  }

  /** False once a NaN or ±Infinity has come: neither goes away by adding. */
  get finite(): boolean {
    return this.#values.every(Number.isFinite) && Number.isFinite(this.#count);
  }

  /** The sum so far; not to be added to any more. */
  get sum(): Sum {
    return { count: this.#count, values: this.#values };
  }

  #addAll(sums: Float32Array): void {
    const values = this.#values;
    for (let index = 0; index < values.length; index++) values[index]! += sums[index]!;
  }

  #addTriangles(sums: Float32Array): void {
    const { groups, inFeatures } = this.probe.weights[0]!;
    for (let group = 0; group < groups; group++) {
      const matrix = sums.subarray(group * inFeatures ** 2, (group + 1) * inFeatures ** 2);
      addTriangle(this.#values.subarray(group * triangleLength(inFeatures)), matrix, inFeatures);
    }
  }
}

function addTriangle(triangle: Float64Array, matrix: Float32Array, size: number): void {
  let at = 0;
  for (let row = 0; row < size; row++) {
    for (let column = row; column < size; column++) triangle[at++]! += matrix[row * size + column]!;
  }
}
