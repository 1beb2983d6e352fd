import { intOf } from "../attributes.js";
import { activation, type Measurement, type Measuring, type Site } from "../measuring.js";
import { counting, reduceSum, slice, unsqueeze } from "../operators-by-version.js";
import { product } from "../shapes/dim.js";
import { requireNoTokens } from "../token-mask.js";
import { Unmeasurable } from "../unmeasurable.js";
import type { Sequence } from "./recurrent.js";

/** Inputs of a recurrent node. */
const INITIAL_STATE = 5;

/** Behind every step. */
const END = 2 ** 31 - 1;

/**
 * R multiplies the hidden state of the step before: the initial one at the first step, else what the node put out as Y
 * `[steps, directions, batch, hidden]`. A reverse direction runs from the last step (of each sequence) to the first.
 *
 * @throws {Unmeasurable} where the state is not put out, or is changed before it is multiplied
 */
export function measureState(site: Site, measuring: Measuring, sequence: Sequence): Measurement {
  const { graph, sizes } = measuring;
  const y = requireState(site, measuring);
  const state = activation(measuring, site, y);
  const squares = graph.op("Mul", [state, state]);
  const directions = sequence.direction === "bidirectional" ? ["forward", "reverse"] : [sequence.direction];
  const sums = directions.map((direction, index) => {
    // All but the last step, in the order in which the direction takes them; axis 1 is the direction.
    const shifted = direction === "reverse" ? slice(graph, squares, 0, 1, END) : slice(graph, squares, 0, 0, -1);
    const own = directions.length === 1 ? shifted : slice(graph, shifted, 1, index, index + 1);
    return reduceSum(graph, reduceSum(graph, kept(measuring, own, sequence), [0]), [1]);
  });
  const later = sums.length === 1 ? sums[0]! : graph.op("Concat", sums, { axis: 0n });
  return {
    sums: withInitialState(site, measuring, sequence, later),
    count: countOf(measuring, sequence, sizes.times(sequence.steps, sequence.batch)),
  };
}

function requireState({ node }: Site, measuring: Measuring): string {
  const y = node.output[0] ?? "";
  if (y === "") throw new Unmeasurable(`its ${node.opType} does not put out the hidden state of every step (output Y)`);
  if (node.opType === "GRU" && intOf(node, "linear_before_reset", 0) === 0) {
    throw new Unmeasurable(
      "its GRU multiplies it with the hidden state after the reset gate, which does not leave the node",
    );
  }
  const shape = measuring.shapes.of(y);
  requireNoTokens(measuring, shape && product(shape[0]!, shape[2]!));
  return y;
}

/** States that a later step reads: a sequence of length n hands on n − 1 of them. */
function kept(measuring: Measuring, squares: string, { lengths, steps }: Sequence): string {
  if (lengths === undefined) return squares;
  const { graph } = measuring;
  const numbers = slice(graph, graph.op("Transpose", [counting(graph, steps)], { perm: [1n, 0n] }), 0, 1, END);
  const isRead = graph.op("Less", [numbers, lengths]);
  // One table for both directions: forward, state t is read when step t + 1 is run, and the states start at 0; in reverse
  // when step t itself is run, and they start at 1.
  const mask = unsqueeze(graph, isRead, [1, 3]);
  return graph.op("Where", [mask, squares, graph.floats(Float32Array.of(0))]);
}

function withInitialState(site: Site, measuring: Measuring, { lengths }: Sequence, sums: string): string {
  const { graph } = measuring;
  const initial = site.node.input[INITIAL_STATE] ?? "";
  if (initial === "") return sums;
  const state = activation(measuring, site, initial);
  const squares = graph.op("Mul", [state, state]);
  const isRun = lengths && unsqueeze(graph, graph.op("Less", [graph.integers([0]), lengths]), [2]);
  const first = isRun ? graph.op("Where", [isRun, squares, graph.floats(Float32Array.of(0))]) : squares;
  return graph.op("Add", [sums, reduceSum(graph, first, [1])]);
}

function countOf({ graph }: Measuring, { lengths }: Sequence, all: string): string {
  return lengths === undefined ? all : reduceSum(graph, lengths, [0, 1]);
}
