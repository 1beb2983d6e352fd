import type { LaidOutInput } from "@espalier/calibrate";
import type { Tensor } from "@espalier/runtime";
import type { Moments } from "../moments.js";
import type { Reduction } from "./reductions.js";

/** Adds up what runs of a stage say about one laid-out input, in float64. */
export class MomentSums {
  readonly #input: LaidOutInput;
  readonly #reduction: Reduction;
  #count = 0;
  #gram: Float64Array | undefined;
  #cross: Float64Array | undefined;
  readonly #sum: Float64Array;
  readonly #denseSum: Float64Array;
  readonly #drifts = new Map<string, { readonly cross: Float64Array; readonly sum: Float64Array }>();

  constructor(input: LaidOutInput, reduction: Reduction) {
    this.#input = input;
    this.#reduction = reduction;
    this.#sum = new Float64Array(input.groups * input.inFeatures);
    this.#denseSum = reduction.dense ? new Float64Array(this.#sum.length) : this.#sum;
  }

  /** Adds one run. @param outputs of the stage's model */
  add(outputs: Readonly<Record<string, Tensor>>): void {
    const { gram, sum, positions, dense, drifts } = this.#reduction;
    const { groups, inFeatures } = this.#input;
    this.#count += Number(outputs[positions]!.data[0]);
    const entries = groups * inFeatures ** 2;
    // Not before the first run: of what is held back there may be none.
    this.#gram ??= new Float64Array(entries);
    addUpperTriangles(this.#gram, outputs[gram]!, inFeatures);
    addRow(this.#sum, outputs[sum]!, inFeatures);
    for (const [weight, drift] of drifts) this.#addDrift(weight, outputs[drift.cross]!, outputs[drift.sum]!);
    if (dense === undefined) return;
    this.#cross ??= new Float64Array(entries);
    addTo(this.#cross, outputs[dense.cross]!);
    addRow(this.#denseSum, outputs[dense.sum]!, inFeatures);
  }

  #addDrift(weight: string, cross: Tensor, sum: Tensor): void {
    let drift = this.#drifts.get(weight);
    if (drift === undefined) {
      drift = { cross: new Float64Array(cross.data.length), sum: new Float64Array(sum.data.length / 2) };
      this.#drifts.set(weight, drift);
    }
    addTo(drift.cross, cross);
    addRow(drift.sum, sum, drift.sum.length);
  }

  /** The sums for one of the weights, group by group: views of one array. Empty without positions. */
  moments(weight: string): readonly Moments[] {
    const { groups, inFeatures } = this.#input;
    const gram = this.#gram;
    if (this.#count === 0 || gram === undefined) return [];
    const drift = this.#drifts.get(weight);
    mirrorUpperTriangles(gram, inFeatures);
    return Array.from({ length: groups }, (_, group) => {
      const part = (all: Float64Array, size: number) => all.subarray(group * size, (group + 1) * size);
      return {
        count: this.#count,
        gram: part(gram, inFeatures ** 2),
        ...(this.#cross && { cross: part(this.#cross, inFeatures ** 2) }),
        sum: part(this.#sum, inFeatures),
        denseSum: part(this.#denseSum, inFeatures),
        ...(drift && { drift }),
      };
    });
  }
}

/** Whether an input of a run is finite: anything else in it spreads to the sums, and too large squares to the diagonal. */
export function isFiniteRun(
  outputs: Readonly<Record<string, Tensor>>,
  input: LaidOutInput,
  { gram, sum, dense }: Reduction,
): boolean {
  const sums = [outputs[sum]!, ...(dense ? [outputs[dense.sum]!] : [])];
  if (!sums.every(({ data }) => (data as Float32Array).every(Number.isFinite))) return false;
  const { groups, inFeatures } = input;
  const squares = outputs[gram]!.data as Float32Array;
  for (let feature = 0; feature < groups * inFeatures; feature++) {
    const at = Math.floor(feature / inFeatures) * inFeatures ** 2 + (feature % inFeatures) * (inFeatures + 1);
    if (!Number.isFinite(squares[at])) return false;
  }
  return true;
}

function addTo(total: Float64Array, { data }: Tensor): void {
  const values = data as Float32Array;
  for (let index = 0; index < total.length; index++) total[index]! += values[index]!;
}

/** Adds what is on and above the diagonals: products of float32 need not be symmetric in their last bits. */
function addUpperTriangles(total: Float64Array, { data }: Tensor, size: number): void {
  const values = data as Float32Array;
  for (let row = 0; row * size < total.length; row++) {
    const end = (row + 1) * size;
    for (let index = row * size + (row % size); index < end; index++) total[index]! += values[index]!;
  }
}

function mirrorUpperTriangles(total: Float64Array, size: number): void {
  for (let start = 0; start < total.length; start += size ** 2) {
    for (let row = 1; row < size; row++) {
      for (let column = 0; column < row; column++) {
        total[start + row * size + column] = total[start + column * size + row]!;
      }
    }
  }
}

/** Adds the first of the two equal rows of each group. */
function addRow(total: Float64Array, { data }: Tensor, length: number): void {
  const values = data as Float32Array;
  for (let start = 0; start < total.length; start += length) {
    for (let index = 0; index < length; index++) total[start + index]! += values[2 * start + index]!;
  }
}
