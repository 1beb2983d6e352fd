import { type MatrixLayout, matrixLayout } from "@espalier/core";
import type { PrunableWeight } from "@espalier/onnx";

/** A weight's entries and where they are. */
export interface WeightValues {
  /** In buffer order. */
  readonly values: Float32Array | Float64Array;
  readonly offsets: MatrixLayout;
}

/** Reads weights and holds on to the last one: its packed constants are written one after the other. */
export class WeightReader {
  #weight: PrunableWeight | undefined;
  #last: WeightValues | undefined;

  /** @throws {OnnxError} what `tensorBytes` throws */
  read(weight: PrunableWeight): WeightValues {
    if (this.#weight === weight && this.#last !== undefined) return this.#last;
    // Let go of the old one first, so that there is never more than one.
    this.#last = undefined;
    this.#last = { values: weight.read(), offsets: matrixLayout(weight) };
    this.#weight = weight;
    return this.#last;
  }
}
