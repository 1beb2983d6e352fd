import {
  appendToGraph,
  type Consumer,
  TensorProto_DataType as DataType,
  type Model,
  type NodeProto,
  type PrunableWeight,
  type ValueInfoProto,
} from "@espalier/onnx";
import type { Moment } from "../moment.js";
import type { Probe } from "../probe.js";
import { StatisticsError } from "../statistics-error.js";
import { GraphAdditions } from "./graph-additions.js";
import type { Instrumentation, InstrumentOptions, UnsupportedWeight } from "./instrumentation.js";
import type { Measurement, Measuring } from "./measuring.js";
import { measuredOperatorOf } from "./operators/registry.js";
import { inferShapes } from "./shapes/infer-shapes.js";
import { tokenAxes } from "./shapes/token-axes.js";
import { Sizes } from "./sizes.js";
import { Unmeasurable } from "./unmeasurable.js";

/**
 * Adds nodes to a model that reduce the inputs of weights to `Σ x²` for each group and in-feature, and count positions:
 * only these numbers leave ONNX Runtime. Inputs that several weights share are reduced once.
 *
 * A weight that is read at several places gets the sum over all of them. Weights inside If, Loop, Scan and functions are
 * unsupported: their inputs do not leave there.
 *
 * @param weights of this model, as `prunableWeights` gives them
 * @throws {StatisticsError} `bad-option` when the mask is no input `[batch, seq]` of the model
 */
export function instrument(
  model: Model,
  weights: readonly PrunableWeight[],
  options: InstrumentOptions = {},
): Instrumentation {
  const mask = options.mask === undefined ? undefined : maskInput(model, options.mask);
  const graph = new GraphAdditions(model);
  const shared = {
    graph,
    shapes: inferShapes(model, mask),
    sizes: new Sizes(graph),
    mask: mask?.name,
    blocked: options.blocked === true,
  };
  const squares = measureAll(model, weights, { ...shared, gram: false });
  const wanted = weights.filter(
    (weight) => squares.measured.some((one) => one.weight === weight) && isWanted(weight, options.gram ?? false),
  );
  const grams = measureAll(model, wanted, { ...shared, gram: true });
  const probes = [...probesOf("squares", squares), ...probesOf("gram", grams)];
  if (probes.length === 0) return { model, probes, unsupported: squares.unsupported, withoutGram: grams.unsupported };
  for (const { measurement } of [...squares.measured, ...grams.measured].sort((a, b) => a.at - b.at)) {
    graph.output(measurement.sums, DataType.FLOAT);
    graph.output(measurement.count, DataType.INT64);
  }
  holdBack(model, graph);
  return {
    model: appendToGraph(model, graph.addition()),
    probes,
    unsupported: squares.unsupported,
    withoutGram: grams.unsupported,
  };
}

/**
 * Makes the model's own outputs come last, by giving each a reader that is computed after all reductions.
 *
 * ONNX Runtime starts from the last node that nothing reads and runs what it needs. Without a reader that is often the node
 * of an output, because optimisation has rebuilt it: then all of the model would run before the first reduction, and every
 * activation would be kept until then, 590 MB more instead of 40 on a network of 20 convolutions at 224 × 224.
 */
function holdBack(model: Model, graph: GraphAdditions): void {
  for (const { name, type } of model.proto.graph?.output ?? []) {
    if (type?.value.case === "tensorType") graph.output(graph.op("Size", [name]), DataType.INT64);
  }
}

function isWanted({ name }: PrunableWeight, gram: boolean | ReadonlySet<string>): boolean {
  return typeof gram === "boolean" ? gram : gram.has(name);
}

interface MeasuredWeight {
  readonly weight: PrunableWeight;
  readonly measurement: Measurement;
  /** Number of the last node that reads it. */
  readonly at: number;
}

interface Measured {
  /** In the order in which the model has read them everywhere. */
  readonly measured: readonly MeasuredWeight[];
  readonly unsupported: readonly UnsupportedWeight[];
}

function measureAll(model: Model, weights: readonly PrunableWeight[], measuring: Measuring): Measured {
  const order = new Map(model.proto.graph?.node.map((node, index) => [node, index]));
  const measured: MeasuredWeight[] = [];
  const unsupported: UnsupportedWeight[] = [];
  for (const weight of weights) {
    try {
      const readers = readersOf(weight, order);
      const at = Math.max(...readers.map(({ proto }) => order.get(proto)!));
      measured.push({ weight, measurement: measureWeight(weight, readers, measuring), at });
    } catch (error) {
      if (!(error instanceof Unmeasurable)) throw error;
      unsupported.push({ name: weight.name, reason: error.reason });
    }
  }
  return { measured: measured.sort((a, b) => a.at - b.at), unsupported };
}

/** The nodes that multiply with a weight. Shape and Size also read it, but not its values. */
function readersOf(weight: PrunableWeight, order: ReadonlyMap<NodeProto, number>): readonly Consumer[] {
  if (weight.axisConflict !== undefined) throw new Unmeasurable(weight.axisConflict);
  const readers = weight.consumers.filter(({ op }) => op !== "Shape" && op !== "Size");
  const inside = readers.find(({ proto }) => !order.has(proto));
  if (inside !== undefined) {
    throw new Unmeasurable(
      `${inside.op} ${JSON.stringify(inside.node)} stands inside ${inside.scope}, whose values do not leave it`,
    );
  }
  return readers;
}

function measureWeight(weight: PrunableWeight, readers: readonly Consumer[], measuring: Measuring): Measurement {
  const { graph } = measuring;
  const measurements = readers.map(({ proto, input, op }) => {
    const operator = measuredOperatorOf(proto);
    if (operator === undefined) throw new Unmeasurable(`nothing is known of the inputs of ${op}`);
    return operator.measure({ weight, node: proto, input }, measuring);
  });
  const entries = weight.groups * weight.inFeatures * (measuring.gram ? weight.inFeatures : 1);
  const flat = graph.integers([entries]);
  const all = measurements.map(({ sums, count }) => ({
    // As many as they have to be: anything else stops the run.
    sums: graph.op("Reshape", [sums, flat]),
    count: graph.op("Reshape", [count, graph.integers([1])]),
  }));
  return all.reduce((a, b) => ({
    sums: graph.op("Add", [a.sums, b.sums]),
    count: graph.op("Add", [a.count, b.count]),
  }));
}

/** Weights of the same sums share a probe. */
function probesOf(kind: Moment["kind"], { measured }: Measured): readonly Probe[] {
  const probes = new Map<string, Probe>();
  for (const { weight, measurement } of measured) {
    const { name, groups, inFeatures } = weight;
    const { sums, count } = measurement;
    const weights = [...(probes.get(sums)?.weights ?? []), { name, groups, inFeatures }];
    probes.set(sums, { kind, weights, sumOutput: sums, countOutput: count });
  }
  return [...probes.values()];
}

function maskInput(model: Model, name: string): ValueInfoProto {
  const inputs = model.proto.graph?.input ?? [];
  const mask = inputs.find((input) => input.name === name);
  if (mask && tokenAxes(mask)) return mask;
  const found = mask
    ? "it is not declared with two sizes"
    : `the inputs are ${inputs.map((input) => JSON.stringify(input.name)).join(", ")}`;
  const message = `The mask ${JSON.stringify(name)} is no input [batch, seq] of the model: ${found}. Name one that is, or none.`;
  throw new StatisticsError("bad-option", message);
}
