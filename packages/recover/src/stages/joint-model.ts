import type { LaidOutInput } from "@espalier/calibrate";
import {
  buildModel,
  type Model,
  type NewTensor,
  type NodeProto,
  type TensorProto,
  tensorByteLength,
  withFields,
} from "@espalier/onnx";
import type { Dtype } from "@espalier/runtime";
import { asInitializer } from "./constant-tensors.js";
import { openInput, untypedOutput } from "./declarations.js";
import type { ModelPair } from "./model-pair.js";
import type { Stage } from "./plan-stages.js";
import { type LaidOutResidual, type Reduction, Reductions } from "./reductions.js";
import type { GraphNode, StageGraph } from "./stage-graph.js";
import { copyNode } from "./subgraphs.js";
import type { ValueNames } from "./value-names.js";

/** What is known of values that earlier stages have computed: their type and rank. */
export type CarriedTypes = ReadonlyMap<string, { readonly dtype: Dtype; readonly dims: readonly number[] }>;

/** What a stage is built from. */
export interface JointParts {
  readonly graph: StageGraph;
  readonly models: ModelPair;
  readonly names: ValueNames;
  /** Whether what the dense model computes is wanted, too. */
  readonly cross: boolean;
}

/** A model that runs one stage of the pruned and of the dense model. */
export interface JointModel {
  readonly model: Model;
  /** How many of its nodes are of the two models themselves. */
  readonly nodes: number;
  /** Values that it reads. */
  readonly feeds: readonly string[];
  /** Values that it hands on. */
  readonly carries: readonly string[];
  /** One for each input of the stage, in its order. */
  readonly reductions: readonly Reduction[];
}

/**
 * Builds the model of a stage: its nodes as they are, once more with the dense weights and other names where that makes a
 * difference, and the sums over laid-out inputs.
 *
 * @param carried the values that earlier stages hand on, those of the dense model included
 */
export function jointModel(parts: JointParts, stage: Stage, carried: CarriedTypes): JointModel {
  const { graph, models, names, cross } = parts;
  const differs = cross ? differingValues(parts, stage, carried) : new Set<string>();
  const twins = (values: readonly string[]) =>
    values.filter((value) => differs.has(value)).map((value) => names.dense(value));
  const reductions = new Reductions(names);
  const found = stage.inputs.map((input, index) => {
    const twin = differs.has(input.value) ? names.dense(input.value) : undefined;
    return reductions.add(index, input, twin, residualsOf(parts, stage, input, differs));
  });
  const feeds = [...stage.reads, ...twins(stage.reads)];
  const carries = [...stage.carries, ...twins(stage.carries)];
  const copied = stage.nodes.map((node) => ({ node, copies: copiesOf(parts, node, differs) }));
  const own = copied.filter(({ node }) => node.isOwn);
  const { proto } = models.pruned;
  const model = buildModel({
    nodes: [...copied.flatMap(({ copies }) => copies), ...reductions.nodes],
    initializers: [...constantsOf(parts, stage, differs), ...reductions.initializers],
    inputs: feeds.map((name) => graph.inputs.get(name) ?? openInput(name, carried.get(name)!)),
    outputs: [...reductions.outputs, ...carries.map(untypedOutput)],
    opsets: opsetsOf(proto),
    functions: proto.functions,
    // Below 4 initializers had to be inputs.
    irVersion: Math.max(8, Number(proto.irVersion)),
    from: models.pruned,
  });
  return { model, nodes: own.flatMap(({ copies }) => copies).length, feeds, carries, reductions: found };
}

/** What is added behind the weights that read an input, as far as it is something else in the dense model. */
function residualsOf(
  { names }: JointParts,
  { residuals }: Stage,
  { weights }: LaidOutInput,
  differs: ReadonlySet<string>,
): readonly LaidOutResidual[] {
  return weights.flatMap((weight) => {
    const value = residuals.get(weight);
    return value !== undefined && differs.has(value) ? [{ weight, value, twin: names.dense(value) }] : [];
  });
}

/** ONNX's own domain has two names. */
function opsetsOf({ opsetImport }: Model["proto"]): ReadonlyMap<string, number> {
  return new Map(opsetImport.map(({ domain, version }) => [domain === "ai.onnx" ? "" : domain, Number(version)]));
}

/** Values of a stage, and its constants, that are something else in the dense model. */
function differingValues(
  { graph, models, names }: JointParts,
  stage: Stage,
  carried: CarriedTypes,
): ReadonlySet<string> {
  const differs = new Set(stage.reads.filter((value) => carried.has(names.dense(value))));
  for (const [name, constant] of graph.constants) {
    if ("tensor" in constant && models.differs(constant.tensor)) differs.add(name);
  }
  for (const { proto, reads, tensors } of stage.nodes) {
    const isOther = [...reads].some((name) => differs.has(name)) || tensors.some((tensor) => models.differs(tensor));
    if (isOther) for (const name of proto.output) differs.add(name);
  }
  return differs;
}

/** A node, and its copy for the dense model where that differs. */
function copiesOf(
  { models, names }: JointParts,
  { proto }: GraphNode,
  differs: ReadonlySet<string>,
): readonly NodeProto[] {
  if (!proto.output.some((name) => differs.has(name))) return [proto];
  const rename = (name: string): string => (differs.has(name) ? names.dense(name) : name);
  const fill = (tensor: TensorProto): TensorProto => {
    if (!models.differs(tensor)) return tensor;
    return withFields(tensor, { rawData: wholeBytes(models, tensor), externalData: [], dataLocation: 0 });
  };
  return [proto, copyNode(proto, proto.name && names.dense(proto.name), { rename, fill })];
}

function wholeBytes(models: ModelPair, tensor: TensorProto): Uint8Array<ArrayBuffer> {
  const data = models.denseData(tensor)();
  const bytes = new Uint8Array(tensorByteLength(tensor));
  let at = 0;
  for (const piece of data instanceof Uint8Array ? [data] : data) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The constants that nodes of a stage read, those that differ twice. */
function constantsOf(
  { graph, models, names }: JointParts,
  stage: Stage,
  differs: ReadonlySet<string>,
): readonly (TensorProto | NewTensor)[] {
  const read = new Set(stage.nodes.flatMap((node) => [...node.reads]));
  return [...graph.constants].flatMap(([name, constant]) => {
    if (!read.has(name)) return [];
    const own = asInitializer(models.pruned, constant, name);
    if (!differs.has(name) || !("tensor" in constant)) return [own];
    return [own, asInitializer(models.pruned, constant, names.dense(name), models.denseData(constant.tensor))];
  });
}
