import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { Measuring } from "./measuring.js";
import { type Dim, type Factor, keyOf } from "./shapes/dim.js";
import type { TokenAxes } from "./shapes/token-axes.js";
import { Unmeasurable } from "./unmeasurable.js";

/**
 * Which positions are tokens that count, as the mask input says.
 *
 * @param positions what they run over
 * @returns bool `[positions, 1]`; undefined where there is no mask, or where positions are no tokens (one for each sample,
 *   as behind pooling; pixels), so that all count
 * @throws {Unmeasurable} when it is not known what positions run over
 */
export function tokenMask(measuring: Measuring, positions: Dim | undefined): string | undefined {
  const { graph, mask, shapes } = measuring;
  if (mask === undefined || shapes.tokens === undefined) return undefined;
  const { tokens } = shapes;
  if (positions === undefined)
    throw new Unmeasurable(unclear("something that could not be followed through the graph", mask));
  if (!positions.includes(tokens.seq)) {
    requireNoTokens(measuring, positions);
    return undefined;
  }
  const order = positions.filter((factor) => factor === tokens.seq || factor === tokens.batch);
  checkFactors(positions, order, tokens, mask);
  if (graph.opset < 9) throw new Unmeasurable("a mask needs a model of opset 9 or later");
  const bits = graph.op("Cast", [mask], { to: BigInt(DataType.BOOL) });
  const turned =
    order[0] === tokens.seq && order.length === 2 ? graph.op("Transpose", [bits], { perm: [1n, 0n] }) : bits;
  return spread(measuring, turned, positions, tokens);
}

/**
 * Refuses sizes that may have to do with tokens.
 *
 * @throws {Unmeasurable}
 */
export function requireNoTokens({ shapes, mask, repeated }: Measuring, dim: Dim | undefined): void {
  if (mask === undefined) return;
  if (repeated) throw new Unmeasurable(unclear("what each step of a Loop or Scan is given", mask));
  const isNone = (factor: Factor): boolean => factor === shapes.tokens?.batch || shapes.symbols.isIndependent(factor);
  if (dim === undefined || !dim.every(isNone)) {
    throw new Unmeasurable(unclear(dim === undefined ? "something unknown" : shown(dim), mask));
  }
}

function checkFactors(positions: Dim, order: Dim, { batch, seq, sizes }: TokenAxes, mask: string): void {
  const once = (name: string): boolean => order.filter((factor) => factor === name).length === 1;
  const hasBatch = once(batch) || (sizes.get(batch) === 1 && !order.includes(batch));
  const others = positions.filter((factor) => !order.includes(factor));
  if (once(seq) && hasBatch && others.every((factor) => typeof factor === "number")) return;
  throw new Unmeasurable(unclear(shown(positions), mask));
}

/** Repeats the mask along axes that are no tokens, such as heads, and makes it one column. */
function spread({ graph }: Measuring, bits: string, positions: Dim, { batch, seq }: TokenAxes): string {
  const column = graph.integers([-1, 1]);
  const others = positions.filter((factor) => typeof factor === "number");
  if (others.length === 0) return graph.op("Reshape", [bits, column]);
  const shape = graph.op("Shape", [bits]);
  const isToken = (factor: Factor): boolean => factor === batch || factor === seq;
  const order = positions.filter(isToken);
  const axis = (factor: Factor): string =>
    graph.op("Gather", [shape, graph.integers([order.length === 1 ? 1 : order.indexOf(factor)])], { axis: 0n });
  const sizes = (pick: (factor: Factor) => string): string => graph.op("Concat", positions.map(pick), { axis: 0n });
  const thin = sizes((factor) => (isToken(factor) ? axis(factor) : graph.integers([1])));
  const full = sizes((factor) => (isToken(factor) ? axis(factor) : graph.integers([factor as number])));
  const repeated = graph.op("Expand", [graph.op("Reshape", [bits, thin]), full]);
  return graph.op("Reshape", [repeated, column]);
}

function shown(dim: Dim): string {
  return `[${dim.map((factor) => keyOf([factor])).join(", ")}]`;
}

function unclear(what: string, mask: string): string {
  return `its inputs run over ${what}, and how that relates to the tokens of ${JSON.stringify(mask)} is not known`;
}
