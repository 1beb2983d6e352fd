import type { Measurement, Measuring, Site } from "../measuring.js";
import { reduceSum } from "../operators-by-version.js";
import { product, type Shape, sizesOf } from "../shapes/dim.js";
import { requireNoTokens } from "../token-mask.js";
import { Unmeasurable } from "../unmeasurable.js";

/** What a batch of matrices is multiplied with. */
interface Factor {
  /** float32. */
  readonly value: string;
  readonly shape: Shape | undefined;
  /** Whether its last axis holds the features, rather than the last but one. */
  readonly isLast: boolean;
}

/**
 * Sums for a constant batch of matrices, each of which is a group. Batch dimensions broadcast: where the constant has size 1,
 * its matrix sees all of the other factor; where the other factor has size 1 or no dimension, all matrices see the same.
 *
 * @throws {Unmeasurable}
 */
export function measureBatched({ weight, node, input }: Site, measuring: Measuring, factor: Factor): Measurement {
  const { graph, gram, shapes } = measuring;
  const { value, shape, isLast } = factor;
  const batch = sizesOf(shapes.of(node.input[input]!))?.slice(0, -2);
  if (shape === undefined || batch === undefined) {
    throw new Unmeasurable("it is a batch of matrices, and the rank of what it is multiplied with is not known");
  }
  if (gram) throw new Unmeasurable("it is a batch of matrices, for which there are no Gram matrices");
  requireNoTokens(measuring, product(...shape));
  const { opset } = graph;
  if (opset < 8) throw new Unmeasurable("a batch of matrices needs a model of opset 8 or later");
  const squares = graph.op("Mul", [value, value]);
  const axes = summedAxes(shape.length, batch, isLast);
  const summed = axes.length === 0 ? squares : reduceSum(graph, squares, axes);
  const groups = graph.integers([...batch.filter((size) => size > 1), weight.inFeatures]);
  return {
    sums: graph.op("Expand", [summed, groups]),
    count: graph.op("Div", [graph.op("Size", [value]), graph.op("Size", [summed])]),
  };
}

/** Axes of the other factor that are no features, and do not tell the matrices apart. */
function summedAxes(rank: number, batch: readonly number[], isLast: boolean): readonly number[] {
  if (rank === 1) return [];
  const own = rank - 2;
  const shared = Array.from({ length: own }, (_, axis) => axis).filter((axis) => {
    const size = batch[axis - (own - batch.length)] ?? 1;
    return size === 1;
  });
  return [...shared, isLast ? rank - 2 : rank - 1];
}
