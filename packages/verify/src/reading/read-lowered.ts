import { matrixLayout } from "@espalier/core";
import {
  type Model,
  makeValueInfo,
  modelExtractor,
  type NodeProto,
  type PrunableWeight,
  type TensorProto,
  TensorProto_DataType,
  tensorValues,
  withTensorData,
} from "@espalier/onnx";
import { type Runner, randomFeeds, type Sample } from "@espalier/runtime";
import { RESULT } from "./decode-constant.js";
import type { Graphs } from "./find-decoders.js";
import { type LoweredRegion, loweredRegion, withoutAdditions } from "./lowered-region.js";
import { packedBytes } from "./packed-bytes.js";
import { answer, type Probe, type ProbedOperator, probeEntries, probesOf } from "./probe.js";
import type { ReadTensor } from "./reading.js";
import { runAlone } from "./run-alone.js";

/** Relative L2 distance between the original's operator with what was read, and what stands in its place. */
const AGREEMENT = {
  /** The same products, added in another order. */
  exact: 1e-4,
  /** The input rounded to 8 bits over its whole range. */
  quantized: 0.05,
};

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
  const found: { region: LoweredRegion; answers: Answers }[] = [];
  for (const consumer of weight.consumers) {
    const region = loweredRegion(graphs, name, consumer);
    if (typeof region === "string") return { reason: region };
    const answers = await ask(graphs, weight, region);
    if ("reason" in answers)
      return {
        reason: `what stands in the place of ${region.node.opType} "${region.node.name || region.output}": ${answers.reason}`,
      };
    const [first] = found;
    if (first !== undefined && Buffer.compare(bytesOf(first.answers.weight), bytesOf(answers.weight)) !== 0) {
      return { reason: "its readers multiply with different numbers" };
    }
    found.push({ region, answers });
  }
  return asFound(graphs, name, weight, found);
}

interface Answers {
  /** In buffer order. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** One for each out channel, where a bias is gone. */
  readonly bias: Float32Array<ArrayBuffer> | undefined;
}

async function ask(
  graphs: Graphs,
  weight: PrunableWeight,
  region: LoweredRegion,
): Promise<Answers | { readonly reason: string }> {
  const operator = operatorOf(graphs, weight, region);
  let reason = "nothing can be fed to it";
  for (const probe of probesOf(operator)) {
    const answers = await askAs(graphs, weight, region, operator, probe);
    if ("weight" in answers) return answers;
    reason = answers.reason;
  }
  return { reason };
}

async function askAs(
  graphs: Graphs,
  weight: PrunableWeight,
  region: LoweredRegion,
  operator: ProbedOperator,
  probe: Probe,
): Promise<Answers | { readonly reason: string }> {
  const { outOffsets, featureOffsets } = matrixLayout(weight);
  const read = new Float32Array(outOffsets.length * featureOffsets.length);
  const bare = await runAlone(withoutAdditions(region), graphs.options, (runner) =>
    probeEntries(runner, probe, operator, (channel, feature, value) => {
      read[outOffsets[channel]! + featureOffsets[feature]!] = value;
    }),
  );
  if (!bare.ok) return bare;
  if (bare.value !== undefined) return { reason: bare.value };
  settle(read, weight.read(), factorOf(region.node));
  const whole = await runAlone(region.part.model, graphs.options, async (runner) => {
    const bias = region.bias === undefined ? undefined : await askBias(graphs, runner, region.bias, operator, probe);
    const distance = await distanceFrom(graphs, runner, region, { weight: read, bias }, weight, operator, probe);
    return { bias, distance };
  });
  if (!whole.ok) return whole;
  const { bias, distance } = whole.value;
  const limit = region.quantizes ? AGREEMENT.quantized : AGREEMENT.exact;
  if (distance <= limit) return { weight: read, bias };
  return {
    reason: `on random inputs it is off by ${distance.toPrecision(3)} from a product with the entries read from it, more than ${limit}`,
  };
}

function operatorOf(
  { judged }: Graphs,
  { outChannels, inFeatures, shape }: PrunableWeight,
  { node, input, addends }: LoweredRegion,
): ProbedOperator {
  const dims = declaredDims(judged.model, input);
  const zeros = { dtype: "float32", dims: [outChannels], data: new Float32Array(outChannels) } as const;
  return {
    node,
    input,
    outChannels,
    inFeatures,
    ...(node.opType === "Conv" && { kernel: { sizes: shape.slice(2), channels: shape[1]! } }),
    ...(dims && { dims }),
    addends: Object.fromEntries(addends.map((name) => [name, zeros])),
  };
}

/** Sizes that a model declares for a value, undefined where they are free. */
function declaredDims({ proto }: Model, name: string): (number | undefined)[] | undefined {
  const { input = [], valueInfo = [] } = proto.graph ?? {};
  const type = [...input, ...valueInfo].find((one) => one.name === name)?.type?.value;
  if (type?.case !== "tensorType" || type.value.shape === undefined) return undefined;
  return type.value.shape.dim.map(({ value }) => (value.case === "dimValue" ? Number(value.value) : undefined));
}

/** What the operator itself multiplies a product with. */
function factorOf(node: NodeProto): number {
  const alpha = node.opType === "Gemm" ? node.attribute.find(({ name }) => name === "alpha") : undefined;
  return alpha?.f ?? 1;
}

/**
 * Answers → entries: where the original's entry would give the answer, it is that one (so a −0 stays one); else the answer
 * divided by the operator's factor.
 */
function settle(answers: Float32Array, originals: ArrayLike<number>, factor: number): void {
  for (let index = 0; index < answers.length; index++) {
    const original = originals[index]!;
    answers[index] = Math.fround(original * factor) === answers[index] ? original : answers[index]! / factor;
  }
}

/** What comes out for an input of zeros. */
async function askBias(
  { original }: Graphs,
  runner: Runner,
  name: string,
  operator: ProbedOperator,
  probe: Probe,
): Promise<Float32Array<ArrayBuffer>> {
  const zeros = new Float32Array(probe.dims.reduce((product, size) => product * size, 1));
  const { data, dims } = await answer(runner, probe, operator, zeros);
  const bias = Float32Array.from(
    { length: operator.outChannels },
    (_, channel) => data[probe.outputIndex(0, channel, dims)]!,
  );
  const tensor = original.tensors.get(name);
  if (tensor?.dataType === TensorProto_DataType.FLOAT) settle(bias, tensorValues(original.model, tensor), 1);
  return bias;
}

/** How far a region is from the original's operator with the entries read from it, on seeded random inputs. */
async function distanceFrom(
  graphs: Graphs,
  runner: Runner,
  region: LoweredRegion,
  { weight, bias }: Answers,
  { tensor }: PrunableWeight,
  operator: ProbedOperator,
  probe: Probe,
): Promise<number> {
  const { original, options } = graphs;
  const edits = new Map<TensorProto, () => Uint8Array>([[tensor, () => bytesOf(weight)]]);
  const biasTensor = region.bias === undefined ? undefined : original.tensors.get(region.bias);
  if (biasTensor !== undefined && bias !== undefined) edits.set(biasTensor, () => bytesOf(bias));
  const { FLOAT } = TensorProto_DataType;
  const expected = modelExtractor(withTensorData(original.model, edits))({
    outputs: new Map([[region.output, makeValueInfo(RESULT, FLOAT)]]),
    inputs: [...new Set([region.input, ...region.addends])].map((name) => makeValueInfo(name, FLOAT)),
  });
  if (expected === undefined) return Number.POSITIVE_INFINITY;
  const infos = [
    { name: region.input, dtype: "float32", dims: probe.dims } as const,
    ...region.addends.map((name) => ({ name, dtype: "float32", dims: [operator.outChannels] }) as const),
  ];
  const feeds = randomFeeds(infos, { seed: 1 });
  const reference = await runAlone(expected.model, options, (original) => result(original, feeds));
  return reference.ok ? relativeDistance(await result(runner, feeds), reference.value) : Number.POSITIVE_INFINITY;
}

async function result(runner: Runner, feeds: Sample): Promise<Float32Array> {
  return (await runner.run(feeds))[RESULT]!.data as Float32Array;
}

function relativeDistance(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let size = 0;
  for (let index = 0; index < expected.length; index++) {
    error += (found[index]! - expected[index]!) ** 2;
    size += expected[index]! ** 2;
  }
  return error === 0 ? 0 : Math.sqrt(error / size);
}

function asFound(
  { original, judged }: Graphs,
  name: string,
  weight: PrunableWeight,
  found: readonly { readonly region: LoweredRegion; readonly answers: Answers }[],
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

function bytesOf({ buffer }: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}
