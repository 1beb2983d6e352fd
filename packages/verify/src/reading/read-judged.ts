import { type Model, modelExtractor, type NodeProto, prunableWeights, type TensorProto } from "@espalier/onnx";
import type { RunnerOptions } from "@espalier/runtime";
import { type FoundConstant, findDecoder, type Graphs, missingConstants } from "./find-decoders.js";
import { MainGraph } from "./main-graph.js";
import { type FoundLowered, readLowered } from "./read-lowered.js";
import type { Reading, ReadTensor, Restoration, UnreadWeight } from "./reading.js";
import { restoreGraph } from "./restore-graph.js";

/**
 * Reads a judged model as its original is: every constant of the original's main graph that the judged model computes from
 * other constants, whatever the nodes, becomes a dense tensor again, and what computed it goes; and every weight that other
 * operators multiply with, in the place of the original's, with the original's operator. So checks need not know how weights are
 * stored, and whatever else is in the judged model is still there.
 *
 * Computed constants and lowered operators are run one by one, by the runtime itself; of each its non-zeros are kept in memory, about what its
 * encoding takes.
 *
 * @throws {OnnxError} when a tensor cannot be read
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function readJudged(original: Model, judged: Model, options: RunnerOptions): Promise<Reading> {
  const graphs: Graphs = {
    original: new MainGraph(original),
    judged: new MainGraph(judged),
    extract: modelExtractor(judged),
    options,
  };
  const missing = missingConstants(graphs);
  if (missing.size === 0) return { model: judged, tensors: new Map(), unread: [], dropped: new Set() };
  const weights = new Map(
    prunableWeights(original).flatMap((weight) => (weight.prunable ? [[weight.tensor, weight] as const] : [])),
  );
  const restoration = new Collected();
  const unread: UnreadWeight[] = [];
  const initializers = new Set(original.proto.graph?.initializer);
  for (const [name, tensor] of missing) {
    // Of other tensors only initializers: where they stand, their numbers are compared.
    if (!weights.has(tensor) && !initializers.has(tensor)) continue;
    const weight = weights.get(tensor);
    const decoder = await findDecoder(graphs, name, tensor);
    if ("tensor" in decoder) restoration.addDecoded(decoder);
    else if (weight !== undefined) {
      const isElsewhere = !graphs.judged.defines(name);
      const lowered = isElsewhere ? await readLowered(graphs, name, weight) : decoder;
      if ("tensors" in lowered) restoration.addLowered(lowered);
      else unread.push({ name: weight.name, reason: lowered.reason });
    }
  }
  const tensors = new Map(restoration.tensors.map((tensor) => [tensor.name, tensor]));
  if (tensors.size === 0) return { model: judged, tensors, unread, dropped: new Set() };
  return { ...restoreGraph(graphs.judged, restoration), tensors, unread };
}

class Collected implements Restoration {
  readonly tensors: ReadTensor[] = [];
  readonly nodes = new Set<NodeProto>();
  readonly initializers = new Set<TensorProto>();
  readonly inputs = new Map<NodeProto, Map<number, string>>();
  readonly instead = new Map<NodeProto, readonly NodeProto[]>();

  addLowered({ tensors, nodes, initializers, instead }: FoundLowered): void {
    const known = new Set(this.tensors.map(({ name }) => name));
    for (const tensor of tensors) if (!known.has(tensor.name)) this.tensors.push(tensor);
    for (const node of nodes) this.nodes.add(node);
    for (const one of initializers) this.initializers.add(one);
    for (const [node, originals] of instead) this.instead.set(node, originals);
  }

  addDecoded({ tensor, nodes, initializers, readers }: FoundConstant): void {
    this.tensors.push(tensor);
    for (const node of nodes) this.nodes.add(node);
    for (const one of initializers) this.initializers.add(one);
    for (const { node, input } of readers) {
      const inputs = this.inputs.get(node) ?? new Map<number, string>();
      this.inputs.set(node, inputs.set(input, tensor.name));
    }
  }
}
