import type { Measurement, Measuring, Site } from "../measuring.js";
import { reduceSum } from "../operators-by-version.js";
import type { Factor } from "../rows.js";
import { product, sizesOf } from "../shapes/dim.js";
import { requireNoTokens } from "../token-mask.js";
import { Unmeasurable } from "../unmeasurable.js";

/**
 * Sums for a constant batch of matrices, each of which is a group. Batch dimensions broadcast: where the constant has size 1,
 * its matrix sees all of the other factor; where the other factor has size 1 or no dimension, all matrices see the same.
 *
 * @throws {Unmeasurable}
 */
export function measureBatched({ weight, node, input }: Site, measuring: Measuring, factor: Factor): Measurement {
  const { graph, shapes } = measuring;
  const { value, shape, isLast } = factor;
  const batch = sizesOf(shapes.of(node.input[input]!))?.slice(0, -2);
  if (shape === undefined || batch === undefined) {
    throw new Unmeasurable("it is a batch of matrices, and the rank of what it is multiplied with is not known");
  }
  requireNoTokens(measuring, product(...shape));
  const { opset } = graph;
  if (opset < 8) throw new Unmeasurable("a batch of matrices needs a model of opset 8 or later");
  const squares = graph.op("Mul", [value, value]);
  // First along the positions, then over what is left, for the sake of rounding.
  const rank = shape.length;
  const rows = rank === 1 ? squares : reduceSum(graph, squares, [isLast ? rank - 2 : rank - 1]);
  const shared = sharedAxes(rank - 2, batch);
  const summed = shared.length === 0 ? rows : reduceSum(graph, rows, shared);
  const groups = graph.integers([...batch.filter((size) => size > 1), weight.inFeatures]);
  return {
    sums: graph.op("Expand", [summed, groups]),
    count: graph.op("Div", [graph.op("Size", [value]), graph.op("Size", [summed])]),
  };
}

/** Batch axes of the other factor, of which there are `own`, that do not tell the matrices apart. */
function sharedAxes(own: number, batch: readonly number[]): readonly number[] {
  const axes = Array.from({ length: Math.max(0, own) }, (_, axis) => axis);
  return axes.filter((axis) => (batch[axis - (own - batch.length)] ?? 1) === 1);
}
