import {
  type Consumer,
  elementSize,
  type Model,
  makeNode,
  type NewTensor,
  type NodeProto,
  type PrunableWeight,
  prunableWeights,
  rewriteGraph,
  walkGraphs,
  withFields,
} from "@espalier/onnx";
import { biasFinder } from "./find-bias.js";

/** A node with a bias: what stands in its place, and the bias. */
interface Biased {
  readonly nodes: readonly NodeProto[];
  readonly bias: NewTensor;
}

/** Position of the bias among the inputs of Conv, ConvTranspose and Gemm. */
const BIAS = 2;
const WITH_BIAS_INPUT: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm"]);

/**
 * Gives weights that have no bias one of zeros: as the third input of Conv, ConvTranspose and Gemm, as an Add behind MatMul. The
 * outputs stay the same; correcting means then has a place to go. Weights that are read at several places, or in subgraphs, are
 * left as they are.
 *
 * @param names of the weights concerned
 */
export function addBiases(model: Model, names: ReadonlySet<string>): Model {
  const biasOf = biasFinder(model);
  const free = freeNames(model);
  const replace = new Map<NodeProto, readonly NodeProto[]>();
  const initializers: NewTensor[] = [];
  for (const weight of prunableWeights(model)) {
    if (!weight.prunable || !names.has(weight.name) || biasOf(weight) !== undefined) continue;
    const biased = withBias(weight, free);
    if (biased === undefined) continue;
    replace.set(weight.consumers[0]!.proto, biased.nodes);
    initializers.push(biased.bias);
  }
  return replace.size === 0 ? model : rewriteGraph(model, { replace, initializers });
}

function withBias(weight: PrunableWeight, free: (wish: string) => string): Biased | undefined {
  const [{ proto, op, input, scope }] = weight.consumers as [Consumer];
  // Behind a Cast the product has another type than the weight.
  const isDirect = scope === "main" && input === 1 && proto.input[1] === weight.name;
  if (weight.consumers.length !== 1 || !isDirect) return undefined;
  const bias = (): NewTensor => zeros(free(`${weight.name}/bias`), weight);
  if (WITH_BIAS_INPUT.has(op) && (proto.input[BIAS] ?? "") === "") {
    const added = bias();
    const [x, w] = proto.input as [string, string];
    return { nodes: [withFields(proto, { input: [x, w, added.name] })], bias: added };
  }
  if (op !== "MatMul" || weight.groups !== 1) return undefined;
  const added = bias();
  const [output] = proto.output as [string];
  const product = free(`${output}/without_bias`);
  const add = makeNode("Add", [product, added.name], [output]);
  return { nodes: [withFields(proto, { output: [product] }), add], bias: added };
}

function zeros(name: string, { tensor: { dataType }, outChannels }: PrunableWeight): NewTensor {
  return { name, dataType, dims: [outChannels], data: () => new Uint8Array(outChannels * elementSize(dataType)) };
}

/** Hands out names that no value of the model has. */
function freeNames(model: Model): (wish: string) => string {
  const taken = new Set<string>();
  for (const { graph, nodes } of walkGraphs(model.proto)) {
    for (const { name } of [...(graph?.initializer ?? []), ...(graph?.input ?? [])]) taken.add(name);
    for (const { input, output } of nodes) for (const name of [...input, ...output]) taken.add(name);
  }
  return (wish) => {
    let name = wish;
    for (let number = 2; taken.has(name); number++) name = `${wish}#${number}`;
    taken.add(name);
    return name;
  };
}
