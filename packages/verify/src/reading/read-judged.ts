import {
  dtypeName,
  type Model,
  type AttributeProto,
  tensorBytes,
  modelExtractor,
  type NodeProto,
  type PrunableWeight,
  prunableWeights,
  type TensorProto,
} from "@espalier/onnx";
import type { RunnerOptions } from "@espalier/runtime";
import { type FoundConstant, findDecoder, type Graphs, missingTensors, type NotFound } from "./find-decoders.js";
import { MainGraph } from "./main-graph.js";
import { isOnnxOperator } from "./operators.js";
import { type FoundLowered, readLowered } from "./read-lowered.js";
import { readNested } from "./read-nested.js";
import type { Reading, ReadTensor, Restoration, UnreadWeight } from "./reading.js";
import { RemovedChannels } from "./removed-channels.js";
import { restoreGraph } from "./restore-graph.js";
import { restoreNames } from "./restore-names.js";

/**
 * Reads a judged model as its original is: every constant of the original's main graph that the judged model computes from
 * other constants, whatever the nodes, becomes a dense tensor again, and what computed it goes; and every weight that other
 * operators multiply with, in the place of the original's, with the original's operator. Tensors that lost channels are as large
 * as they were. So checks need not know how weights are stored, and whatever else is in the judged model is still there.
 *
 * Computed constants and lowered operators are run one by one, by the runtime itself; of each its non-zeros are kept in memory,
 * about what its encoding takes.
 *
 * @throws {OnnxError} when a tensor cannot be read
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function readJudged(original: Model, judged: Model, options: RunnerOptions): Promise<Reading> {
  const inner = await readNested(original, judged, options);
  const main = await readMain(original, inner.model, options);
  return {
    ...main,
    tensors: new Map([...main.tensors, ...inner.tensors]),
    unread: [...main.unread, ...inner.unread],
    dropped: new Set([...main.dropped, ...inner.dropped]),
    nested: inner.restored,
  };
}

async function readMain(original: Model, judged: Model, options: RunnerOptions): Promise<Omit<Reading, "nested">> {
  const before = new MainGraph(original);
  const given = new MainGraph(judged);
  const asIs = { model: judged, tensors: new Map(), unread: [], dropped: new Set<string>() };
  if (missingTensors(before.tensors, given.tensors).size === 0) return asIs;
  const renamed = restoreNames(before, given);
  const graphs: Graphs = {
    original: before,
    judged: renamed === judged ? given : new MainGraph(renamed),
    extract: modelExtractor(renamed),
    options,
  };
  const { restoration, unread } = await collect(graphs);
  restoreGroups(graphs, restoration);
  for (const tensor of restoration.tensors.length > 0 ? movedConstants(graphs) : []) restoration.addMoved(tensor);
  const tensors = new Map(restoration.tensors.map((tensor) => [tensor.name, tensor]));
  if (tensors.size === 0) return { ...asIs, unread };
  return { ...restoreGraph(graphs.judged, restoration), tensors, unread };
}

/** A depthwise convolution that lost channels has as many groups as are left. */
function restoreGroups({ original, judged }: Graphs, { tensors, attributes }: Collected): void {
  for (const { name, dims } of tensors) {
    for (const { node, input } of dims === undefined ? [] : (judged.readers.get(name) ?? [])) {
      const before = input === 1 && isOnnxOperator(node, "Conv") ? original.counterpart(node) : undefined;
      const is = node.attribute.find((attribute) => attribute.name === "group");
      const was = before?.attribute.find((attribute) => attribute.name === "group");
      if (before === undefined || was === undefined || is === undefined || Number(is.i) !== dims![0]) continue;
      const place = ({ name: one }: AttributeProto) => before.attribute.findIndex((other) => other.name === one);
      const changed = node.attribute.map((one) => (one === is ? was : one));
      attributes.set(
        node,
        changed.toSorted((a, b) => place(a) - place(b)),
      );
    }
  }
}

/** Tensors of numbers in `Constant` nodes that are initializers in the judged model, with the same type and shape. */
function movedConstants({ original, judged }: Graphs): ReadTensor[] {
  const initializers = new Set(original.model.proto.graph?.initializer);
  const after = new Map(judged.model.proto.graph?.initializer.map((tensor) => [tensor.name, tensor]));
  const missing = missingTensors(original.tensors, judged.tensors);
  return [...original.tensors].flatMap(([name, tensor]) => {
    const stored = after.get(name);
    if (stored === undefined || initializers.has(tensor) || missing.has(name)) return [];
    if (dtypeName(tensor.dataType) === "string") return [];
    const bytes = () => tensorBytes(judged.model, stored);
    return [{ name, how: "moved" as const, original: tensor, bytes, constants: [stored], source: judged.model }];
  });
}

/** Looks for weights first, then for other constants, and once more for those whose removed channels others may tell of. */
async function collect(graphs: Graphs) {
  const weights = new Map(
    prunableWeights(graphs.original.model).flatMap((one) => (one.prunable ? [[one.tensor, one] as const] : [])),
  );
  const missing = [...missingTensors(graphs.original.tensors, graphs.judged.tensors)].map(
    ([name, tensor]): Missing => ({ name, tensor, weight: weights.get(tensor) }),
  );
  const waiting = [...missing.filter(({ weight }) => weight), ...missing.filter(({ weight }) => !weight)];
  const channels = new RemovedChannels();
  const restoration = new Collected();
  const unread: UnreadWeight[] = [];
  const later: Missing[] = [];
  const settle = (one: Missing, found: Found): void => {
    if (!("reason" in found)) restoration.add(found);
    // What else is nowhere, the check rest-unchanged misses.
    else if (one.weight !== undefined) unread.push({ name: one.weight.name, reason: found.reason });
  };
  for (const one of waiting) {
    const found = await find(graphs, one, channels);
    if ("isSmaller" in found) later.push(one);
    else settle(one, found);
  }
  for (const one of later) settle(one, await find(graphs, one, channels));
  return { restoration, unread };
}

/** A constant of the original that is to be looked for. */
interface Missing {
  readonly name: string;
  readonly tensor: TensorProto;
  /** Present where it is a prunable weight. */
  readonly weight: PrunableWeight | undefined;
}

type Found = FoundConstant | FoundLowered | NotFound;

async function find(graphs: Graphs, { name, tensor, weight }: Missing, channels: RemovedChannels): Promise<Found> {
  const decoder = await findDecoder(graphs, name, tensor, { isWeight: weight !== undefined, channels });
  const isElsewhere = "reason" in decoder && weight !== undefined && !graphs.judged.defines(name);
  return isElsewhere ? readLowered(graphs, name, weight) : decoder;
}

class Collected implements Restoration {
  readonly tensors: ReadTensor[] = [];
  readonly nodes = new Set<NodeProto>();
  readonly initializers = new Set<TensorProto>();
  readonly inputs = new Map<NodeProto, Map<number, string>>();
  readonly instead = new Map<NodeProto, readonly NodeProto[]>();
  readonly attributes = new Map<NodeProto, AttributeProto[]>();

  add({ tensors, nodes, initializers, ...rest }: FoundConstant | FoundLowered): void {
    const known = new Set(this.tensors.map(({ name }) => name));
    for (const tensor of tensors) if (!known.has(tensor.name)) this.tensors.push(tensor);
    for (const node of nodes) this.nodes.add(node);
    for (const one of initializers) this.initializers.add(one);
    if ("instead" in rest) for (const [node, originals] of rest.instead) this.instead.set(node, originals);
    else for (const { node, input, value } of rest.readers) this.#read(node, input, value);
  }

  addMoved(tensor: ReadTensor): void {
    this.tensors.push(tensor);
    for (const one of tensor.constants) this.initializers.add(one);
  }

  #read(node: NodeProto, input: number, value: string): void {
    const inputs = this.inputs.get(node) ?? new Map<number, string>();
    this.inputs.set(node, inputs.set(input, value));
  }
}
