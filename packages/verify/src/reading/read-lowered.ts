import type { NodeProto, PrunableWeight, TensorProto } from "@espalier/onnx";
import { sameBytes } from "../weight-pairs.js";
import type { Graphs } from "./find-decoders.js";
import { type LoweredRegion, loweredRegion } from "./lowered-region.js";
import { packedBytes } from "./packed-bytes.js";
import type { ReadTensor } from "./reading.js";
import { bytesOf, type RegionAnswers, regionAnswers } from "./region-answers.js";

/** A weight that other operators multiply with in the judged model, and what those are. */
export interface FoundLowered {
  /** The weight, and biases that are in other pieces. */
  readonly tensors: readonly ReadTensor[];
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly instead: readonly (readonly [NodeProto, readonly NodeProto[]])[];
}

/**
 * Reads a weight from what stands in the place of the operators that read it: smaller products of gathered inputs, for one. Each
 * region of the judged model, from the operator's input to its output, is cut out and asked for every entry; then it is compared
 * on random inputs with the original's operator that has these entries, so that nothing else can hide in it.
 *
 * @param weight of the original
 * @returns the reason where that is impossible, or the region computes something else
 * @throws {OnnxError} when a tensor cannot be read
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function readLowered(
  graphs: Graphs,
  name: string,
  weight: PrunableWeight,
): Promise<FoundLowered | { readonly reason: string }> {
  if (weight.dtype !== "float32" || weight.groups !== 1) return { reason: "nothing of its name is there" };
  const found: { region: LoweredRegion; answers: RegionAnswers }[] = [];
  for (const consumer of weight.consumers) {
    const region = loweredRegion(graphs, name, consumer);
    if (typeof region === "string") return { reason: region };
    const answers = await regionAnswers(graphs, weight, region);
    if ("reason" in answers) {
      const { opType, name: nodeName } = region.node;
      return { reason: `what stands in the place of ${opType} "${nodeName || region.output}": ${answers.reason}` };
    }
    const [first] = found;
    if (first !== undefined && !sameBytes(bytesOf(first.answers.weight), bytesOf(answers.weight))) {
      return { reason: "its readers multiply with different numbers" };
    }
    found.push({ region, answers });
  }
  return asFound(graphs, name, weight, found);
}

function asFound(
  { original, judged }: Graphs,
  name: string,
  weight: PrunableWeight,
  found: readonly { readonly region: LoweredRegion; readonly answers: RegionAnswers }[],
): FoundLowered {
  const [first] = found;
  const constants = found.flatMap(({ region }) => region.part.tensors);
  const read = (value: string, tensor: TensorProto, values: Float32Array<ArrayBuffer>): ReadTensor => {
    const bytes = packedBytes(new Uint32Array(values.buffer));
    return { name: value, how: "lowered", original: tensor, bytes, constants, source: judged.model };
  };
  const biases = found.flatMap(({ region: { bias }, answers }) => {
    const tensor = bias === undefined ? undefined : original.tensors.get(bias);
    return tensor !== undefined && answers.bias !== undefined ? [read(bias!, tensor, answers.bias)] : [];
  });
  return {
    tensors: [read(name, weight.tensor, first!.answers.weight), ...biases],
    nodes: found.flatMap(({ region }) => region.part.nodes),
    initializers: constants,
    instead: found.map(({ region }) => [judged.producers.get(region.output)!, region.originals] as const),
  };
}
