import { TensorProto_DataType as DataType, type PrunableWeight } from "@espalier/onnx";
import type { UnsupportedWeight } from "./instrumentation.js";
import { gramOf } from "./lay-out.js";
import type { MeasuredModel, WeightPlace } from "./measured-model.js";
import type { Measurement } from "./measuring.js";
import { Unmeasurable } from "./unmeasurable.js";

/** A weight and what is measured of it. */
interface MeasuredWeight {
  readonly weight: PrunableWeight;
  /** Values of the main graph, lists. */
  readonly measurement: Measurement;
  /** Number of the last node of the main graph that reads it. */
  readonly at: number;
}

/** What is measured of some weights. */
export interface MeasuredWeights {
  /** In the order in which the model has read them everywhere. */
  readonly measured: readonly MeasuredWeight[];
  readonly unsupported: readonly UnsupportedWeight[];
}

/** `Σ x²` of weights, over all places where they are read. */
export function measureSquares(model: MeasuredModel, weights: readonly PrunableWeight[]): MeasuredWeights {
  return measureAll(model, weights, ({ groups, inFeatures }, places) => {
    const all = places.map(({ operator, site, scope }) => {
      const { sums, count } = operator.measure(site, scope.measuring());
      return {
        sums: scope.leave({ name: sums, type: DataType.FLOAT, length: groups * inFeatures }),
        count: scope.leave({ name: count, type: DataType.INT64, length: 1 }),
      };
    });
    const [sums, counts] = [all.map((one) => one.sums), all.map(({ count }) => count)];
    return { sums: added(model, sums), count: added(model, counts) };
  });
}

/**
 * `Σ x · xᵀ` of weights, over all places where they are read.
 *
 * @param counts of the same weights, by {@link measureSquares}: the positions are the same
 */
export function measureGrams(
  model: MeasuredModel,
  weights: readonly PrunableWeight[],
  counts: ReadonlyMap<PrunableWeight, string>,
): MeasuredWeights {
  return measureAll(model, weights, (weight, places) => {
    const length = weight.groups * weight.inFeatures ** 2;
    const all = places.map(({ operator, site, scope }) => {
      const measuring = scope.measuring();
      const name = gramOf(measuring.graph, operator.layOut(site, measuring), weight);
      return scope.leave({ name, type: DataType.FLOAT, length });
    });
    return { sums: added(model, all), count: counts.get(weight)! };
  });
}

function measureAll(
  model: MeasuredModel,
  weights: readonly PrunableWeight[],
  measure: (weight: PrunableWeight, places: readonly WeightPlace[]) => Measurement,
): MeasuredWeights {
  const measured: MeasuredWeight[] = [];
  const unsupported: UnsupportedWeight[] = [];
  for (const weight of weights) {
    try {
      const places = model.placesOf(weight);
      if (places.length === 0) throw new Unmeasurable("no call of the function that it is in runs");
      measured.push({ weight, measurement: measure(weight, places), at: Math.max(...places.map(({ at }) => at)) });
    } catch (error) {
      if (!(error instanceof Unmeasurable)) throw error;
      unsupported.push({ name: weight.name, reason: error.reason });
    }
  }
  return { measured: measured.sort((a, b) => a.at - b.at), unsupported };
}

function added(model: MeasuredModel, values: readonly string[]): string {
  return values.reduce((a, b) => model.main.op("Add", [a, b]));
}
