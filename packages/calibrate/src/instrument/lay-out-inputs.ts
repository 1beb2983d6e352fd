import { appendToGraph, TensorProto_DataType as DataType, type Model, type PrunableWeight } from "@espalier/onnx";
import { freePrefix } from "./free-prefix.js";
import { GraphAdditions } from "./graph-additions.js";
import type { UnsupportedWeight } from "./instrumentation.js";
import { asMatrices } from "./lay-out.js";
import { maskInput } from "./mask-input.js";
import type { Measuring } from "./measuring.js";
import { operatorAt } from "./operators/registry.js";
import { opsetOf } from "./opset.js";
import { readersOf } from "./readers.js";
import { layOutRows, rowsOf } from "./rows.js";
import { keyOf } from "./shapes/dim.js";
import { inferShapes } from "./shapes/infer-shapes.js";
import { Sizes } from "./sizes.js";
import { Unmeasurable } from "./unmeasurable.js";

/** Options of {@link layOutInputs}. */
export interface LayOutOptions {
  /** Name of an input `[batch, seq]` that says which tokens count, as in `MeasureOptions`. @default none: all positions count */
  readonly mask?: string;
  /**
   * Names of weights → a value that is to be laid out beside their inputs: of the shape of what their node puts out, with output
   * channels on the last axis (on the second for convolutions), such as the other summand of a residual connection.
   * @default none
   */
  readonly beside?: ReadonlyMap<string, string>;
}

/** Inputs of weights as a value of the graph. */
export interface LaidOutInput {
  /**
   * Name of the value: float32 `[groups, positions, inFeatures]`, features in the order of the weight's matrix
   * `[outChannels, inFeatures]`. Only positions that count are there, so that there may be none. A weight that is read at
   * several places has all their positions, place by place.
   */
  readonly value: string;
  /** Names of the weights that read exactly this, in the order in which they were given. */
  readonly weights: readonly string[];
  readonly groups: number;
  readonly inFeatures: number;
}

/** A model that lays out what its weights are multiplied with. */
export interface InputLayout {
  /** The given model with nodes appended; its outputs are as before. The model itself where nothing could be laid out. */
  readonly model: Model;
  /** In the order of the first weight of each. */
  readonly inputs: readonly LaidOutInput[];
  /**
   * Names of weights → the value that was asked for `beside`, as float32 `[1, positions, outChannels]`: the positions are those of
   * the weight's inputs. Absent where it cannot be told beforehand that they are the same.
   */
  readonly beside: ReadonlyMap<string, string>;
  /** Weights whose inputs are not laid out, in the order in which they were given. */
  readonly unsupported: readonly UnsupportedWeight[];
}

/**
 * Adds nodes to a model that lay out the inputs of weights as matrices, for whoever wants to reduce them in the graph:
 * `Σ x · xᵀ` of these is what calibration calls Gram matrices. Inputs that several weights share are laid out once.
 *
 * The values are no outputs, and the nodes stand behind those of the model, so they compute nothing unless something reads
 * them. They read values that the weights' nodes read, the mask, and shapes.
 *
 * @param weights of this model, as `prunableWeights` gives them
 * @throws {StatisticsError} `bad-option` when the mask is no input `[batch, seq]` of the model
 */
export function layOutInputs(
  model: Model,
  weights: readonly PrunableWeight[],
  options: LayOutOptions = {},
): InputLayout {
  const mask = options.mask === undefined ? undefined : maskInput(model, options.mask);
  const graph = new GraphAdditions(opsetOf(model), freePrefix(model));
  const shapes = inferShapes(model, mask);
  const measuring = { graph, shapes, sizes: new Sizes(graph), mask: mask?.name, blocked: false, repeated: false };
  const nodes = new Set(model.proto.graph?.node);
  const inputs = new Map<string, LaidOutInput>();
  const beside = new Map<string, string>();
  const unsupported: UnsupportedWeight[] = [];
  for (const weight of weights) {
    const { name, groups, inFeatures } = weight;
    const companion = options.beside?.get(name);
    try {
      const value = layOut(weight, (node) => nodes.has(node), measuring);
      inputs.set(value, { value, weights: [...(inputs.get(value)?.weights ?? []), name], groups, inFeatures });
      const laidOut = companion === undefined ? undefined : layOutBeside(weight, companion, measuring);
      if (laidOut !== undefined) beside.set(name, laidOut);
    } catch (error) {
      if (!(error instanceof Unmeasurable)) throw error;
      unsupported.push({ name, reason: error.reason });
    }
  }
  const addition = graph.addition([...inputs.keys(), ...beside.values()]);
  return { model: appendToGraph(model, addition), inputs: [...inputs.values()], beside, unsupported };
}

function layOut(weight: PrunableWeight, isReached: Parameters<typeof readersOf>[1], measuring: Measuring): string {
  const { graph } = measuring;
  const places = readersOf(weight, isReached).map((reader) => {
    const laidOut = operatorAt(reader).layOut({ weight, node: reader.proto, input: reader.input }, measuring);
    return asMatrices(graph, laidOut, weight);
  });
  return places.length === 1 ? places[0]! : graph.op("Concat", places, { axis: 1n });
}

/** A value of the shape of a weight's product, position by position as the weight's inputs; undefined where it may not fit. */
function layOutBeside(weight: PrunableWeight, value: string, measuring: Measuring): string | undefined {
  const { graph, shapes } = measuring;
  const [consumer] = weight.consumers;
  const shape = shapes.of(value);
  const produced = shapes.of(consumer!.proto.output[0]!);
  const isSame = shape && produced && shape.map(keyOf).join() === produced.map(keyOf).join();
  if (!isSame || weight.consumers.length !== 1 || weight.groups !== 1) return undefined;
  const float = weight.dtype === "float32" ? value : graph.op("Cast", [value], { to: BigInt(DataType.FLOAT) });
  const size = { groups: 1, inFeatures: weight.outChannels };
  if (consumer!.op === "Conv") {
    const perm = [0, ...shape.slice(2).map((_, axis) => axis + 2), 1].map(BigInt);
    const rows = graph.op("Transpose", [float], { perm });
    return asMatrices(graph, { kind: "rows", value: rows }, size);
  }
  if (!LAST_AXIS.has(consumer!.op) || consumer!.input !== 1) return undefined;
  return asMatrices(
    graph,
    layOutRows(measuring, rowsOf(measuring, { value: float, shape, isLast: true }, weight.outChannels)),
    size,
  );
}

/** Operators that put output channels on the last axis when the weight is their second input. */
const LAST_AXIS: ReadonlySet<string> = new Set(["MatMul", "Gemm"]);
