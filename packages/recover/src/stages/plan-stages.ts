import type { PrunableWeight } from "@espalier/onnx";
import { type Dependencies, dependencies, type WeightSet, weightDepths } from "./dependencies.js";
import { type GraphNode, nodesFor, type StageGraph } from "./stage-graph.js";
import type { StageInput } from "./stage-input.js";

/** What is run at a time: weights that can be decided once all weights before them are. */
export interface Stage {
  /** In the order in which they were given. */
  readonly weights: readonly PrunableWeight[];
  /** Their inputs. */
  readonly inputs: readonly StageInput[];
  /** Names of weights → the other summand of a residual connection behind them, laid out, where it is settled by then. */
  readonly residuals: ReadonlyMap<string, string>;
  /** What it computes, in the model's order. */
  readonly nodes: readonly GraphNode[];
  /** Those of them that values for later stages are made of. */
  readonly lasting: readonly GraphNode[];
  /** Values of earlier stages, and inputs of the model, that it reads. */
  readonly reads: readonly string[];
  /** Values that it computes for later stages. */
  readonly carries: readonly string[];
  /** Values that later stages read, whoever computed them: all others can be forgotten after it. */
  readonly keeps: ReadonlySet<string>;
}

/**
 * Cuts a model at its weights: each stage needs only values that no undecided weight has a part in, but for those between
 * several places that read one weight, which are computed with what the weight holds so far, and again later.
 *
 * A value crosses a cut when it is settled (all weights that it depends on are decided before the cut) and a node behind the
 * cut reads it. So no node that depends on the samples is run twice, whatever branches and residual connections there are.
 *
 * @param weights all of which have an input
 * @param residuals names of weights → the other summand of a residual connection behind them, laid out
 */
export function planStages(
  graph: StageGraph,
  weights: readonly PrunableWeight[],
  inputs: readonly StageInput[],
  residuals: ReadonlyMap<string, string>,
): readonly Stage[] {
  const found = dependencies(
    graph,
    weights.map(({ tensor }) => tensor),
  );
  const inputOf = new Map(inputs.flatMap((input) => input.weights.map((name) => [name, input] as const)));
  const depths = weightDepths(weights.map(({ name }) => found.weightsOf(inputOf.get(name)!.value)));
  const depthOf = valueDepths(found, depths);
  const plans = weights.map(({ name }, index) => {
    const residual = residuals.get(name);
    // What later weights have a part in is not there yet when this one is decided.
    const isThere = residual !== undefined && depthOf(residual) < depths[index]!;
    return {
      weight: weights[index]!,
      depth: depths[index]!,
      input: inputOf.get(name)!,
      residual: isThere ? residual : undefined,
    };
  });
  const stages: Stage[] = [];
  let kept: ReadonlySet<string> = new Set(graph.inputs.keys());
  for (let depth = 1; depth <= Math.max(0, ...depths); depth++) {
    const isSettled = (value: string): boolean =>
      graph.inputs.has(value) ||
      (graph.makers.get(value)?.isCarriable === true && found.fromSamples(value) && depthOf(value) < depth);
    const later = plans.filter((plan) => plan.depth > depth);
    const keeps = frontier(graph, new Set(later.flatMap(wantedOf)), isSettled);
    const own = plans.filter((plan) => plan.depth === depth);
    stages.push(stageOf(graph, { plans: own, kept, keeps }));
    kept = keeps;
  }
  return stages;
}

/** What a weight needs in order to be decided. */
interface WeightPlan {
  readonly weight: PrunableWeight;
  readonly depth: number;
  readonly input: StageInput;
  readonly residual: string | undefined;
}

function wantedOf({ input, residual }: WeightPlan): readonly string[] {
  return residual === undefined ? [input.value] : [input.value, residual];
}

interface Cut {
  /** Of the weights of the stage. */
  readonly plans: readonly WeightPlan[];
  /** What the stages before have kept. */
  readonly kept: ReadonlySet<string>;
  readonly keeps: ReadonlySet<string>;
}

function stageOf(graph: StageGraph, { plans, kept, keeps }: Cut): Stage {
  const weights = plans.map(({ weight }) => weight);
  const inputs = [...new Set(plans.map(({ input }) => input))];
  const residuals = new Map(
    plans.flatMap(({ weight, residual }) => (residual ? [[weight.name, residual] as const] : [])),
  );
  const carries = [...keeps].filter((value) => !kept.has(value));
  const wanted = [...plans.flatMap(wantedOf), ...carries];
  const isKept = (value: string): boolean => kept.has(value);
  const nodes = nodesFor(graph, wanted, isKept);
  const lasting = nodesFor(graph, carries, isKept);
  const read = new Set(nodes.flatMap((node) => [...node.reads]));
  const reads = [...kept].filter((value) => read.has(value) || wanted.includes(value));
  return { weights, inputs, residuals, nodes, lasting, reads, carries, keeps };
}

/** The settled values at which the way back from some values ends. */
function frontier(
  graph: StageGraph,
  values: ReadonlySet<string>,
  isSettled: (value: string) => boolean,
): ReadonlySet<string> {
  const nodes = nodesFor(graph, values, isSettled);
  const read = new Set([...values, ...nodes.flatMap((node) => [...node.reads])]);
  return new Set([...read].filter(isSettled));
}

/** Depth of the deepest weight that a value depends on, 0 for none. */
function valueDepths(found: Dependencies, depths: readonly number[]): (value: string) => number {
  const known = new Map<WeightSet, number>();
  return (value) => {
    const set = found.weightsOf(value);
    let depth = known.get(set);
    if (depth === undefined) {
      depth = depths.reduce((max, one, index) => ((set >> BigInt(index)) & 1n ? Math.max(max, one) : max), 0);
      known.set(set, depth);
    }
    return depth;
  };
}
