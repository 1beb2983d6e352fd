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
import { type LoweredRegion, withoutAdditions } from "./lowered-region.js";
import { answer, type Probe, type ProbedOperator, probeEntries, probesOf, tooLarge } from "./probe.js";
import { runAlone } from "./run-alone.js";

const { FLOAT } = TensorProto_DataType;

/** Relative L2 distance between the original's operator with what was read, and what stands in its place. */
const AGREEMENT = {
  /** The same products, added in another order. */
  exact: 1e-4,
  /** The input rounded to 8 bits over its whole range. */
  quantized: 0.05,
};

/** What a region multiplies with and adds. */
export interface RegionAnswers {
  /** In the weight's buffer order. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** One for each out channel, where a bias is gone. */
  readonly bias: Float32Array<ArrayBuffer> | undefined;
}

/** A region that is asked, and the way to feed it. */
interface Question {
  readonly graphs: Graphs;
  readonly weight: PrunableWeight;
  readonly region: LoweredRegion;
  readonly operator: ProbedOperator;
  readonly probe: Probe;
}

/**
 * Asks a region for every entry of the weight that it multiplies with and for what it adds; then compares it, on seeded random
 * inputs, with the original's operator that has these numbers, so that nothing else can hide in it.
 *
 * @returns the reason where it cannot be fed or computes something else
 * @throws {OnnxError} when a tensor cannot be read
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function regionAnswers(
  graphs: Graphs,
  weight: PrunableWeight,
  region: LoweredRegion,
): Promise<RegionAnswers | { readonly reason: string }> {
  const operator = operatorOf(graphs, weight, region);
  let reason = "nothing can be fed to it";
  for (const probe of probesOf(operator)) {
    const problem = tooLarge(probe, operator);
    const answers = problem ? { reason: problem } : await ask({ graphs, weight, region, operator, probe });
    if ("weight" in answers) return answers;
    reason = answers.reason;
  }
  return { reason };
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

/** Sizes that a model declares for a value, undefined where they are free, or no sizes: some tools write −1 and 0 for free ones. */
function declaredDims({ proto }: Model, name: string): (number | undefined)[] | undefined {
  const { input = [], valueInfo = [] } = proto.graph ?? {};
  const type = [...input, ...valueInfo].find((one) => one.name === name)?.type?.value;
  if (type?.case !== "tensorType" || type.value.shape === undefined) return undefined;
  return type.value.shape.dim.map(({ value }) =>
    value.case === "dimValue" && value.value >= 1n ? Number(value.value) : undefined,
  );
}

async function ask(question: Question): Promise<RegionAnswers | { readonly reason: string }> {
  const { graphs, region } = question;
  const entries = await askEntries(question);
  if ("reason" in entries) return entries;
  const whole = await runAlone(region.part.model, graphs.options, async (runner) => {
    const answers = { weight: entries, bias: await askBias(question, runner) };
    return { answers, distance: await distanceFrom(question, answers, runner) };
  });
  if (!whole.ok) return whole;
  const { answers, distance } = whole.value;
  const limit = region.quantizes ? AGREEMENT.quantized : AGREEMENT.exact;
  if (distance <= limit) return answers;
  const off = `on random inputs it is off by ${distance.toPrecision(3)}, more than ${limit}`;
  return { reason: `${off}, from a product with the entries read from it` };
}

async function askEntries(question: Question): Promise<Float32Array<ArrayBuffer> | { readonly reason: string }> {
  const { graphs, weight, region, operator, probe } = question;
  const { outOffsets, featureOffsets } = matrixLayout(weight);
  const entries = new Float32Array(outOffsets.length * featureOffsets.length);
  const bare = await runAlone(withoutAdditions(region), graphs.options, (runner) =>
    probeEntries(runner, probe, operator, (channel, feature, value) => {
      entries[outOffsets[channel]! + featureOffsets[feature]!] = value;
    }),
  );
  if (!bare.ok) return bare;
  if (bare.value !== undefined) return { reason: bare.value };
  settle(entries, weight.read(), factorOf(region.node));
  return entries;
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

/** What comes out for an input of zeros, where a bias is gone. */
async function askBias(
  { graphs: { original }, region, operator, probe }: Question,
  runner: Runner,
): Promise<Float32Array<ArrayBuffer> | undefined> {
  if (region.bias === undefined) return undefined;
  const zeros = new Float32Array(probe.dims.reduce((product, size) => product * size, 1));
  const { data, dims } = await answer(runner, probe, operator, zeros);
  const valueAt = (channel: number): number => data[probe.outputIndex(0, channel, dims)]!;
  const bias = Float32Array.from({ length: operator.outChannels }, (_, channel) => valueAt(channel));
  const tensor = original.tensors.get(region.bias);
  if (tensor?.dataType === FLOAT) settle(bias, tensorValues(original.model, tensor), 1);
  return bias;
}

/** How far a region is from the original's operator with the numbers read from it, on seeded random inputs. */
async function distanceFrom(question: Question, answers: RegionAnswers, runner: Runner): Promise<number> {
  const { graphs, region, operator, probe } = question;
  const inputs = [region.input, ...region.addends];
  const expected = modelExtractor(withAnswers(question, answers))({
    outputs: new Map([[region.output, makeValueInfo(RESULT, FLOAT)]]),
    inputs: [...new Set(inputs)].map((name) => makeValueInfo(name, FLOAT)),
  });
  if (expected === undefined) return Number.POSITIVE_INFINITY;
  const infos = inputs.map((name, index) => {
    return { name, dtype: "float32", dims: index === 0 ? probe.dims : [operator.outChannels] } as const;
  });
  const feeds = randomFeeds(infos, { seed: 1 });
  const reference = await runAlone(expected.model, graphs.options, (original) => resultOf(original, feeds));
  if (!reference.ok) return Number.POSITIVE_INFINITY;
  return relativeDistance(await resultOf(runner, feeds), reference.value);
}

/** The original with the numbers that were read. */
function withAnswers({ graphs: { original }, region, weight }: Question, answers: RegionAnswers): Model {
  const edits = new Map<TensorProto, () => Uint8Array>([[weight.tensor, () => bytesOf(answers.weight)]]);
  const tensor = region.bias === undefined ? undefined : original.tensors.get(region.bias);
  const { bias } = answers;
  if (tensor !== undefined && bias !== undefined) edits.set(tensor, () => bytesOf(bias));
  return withTensorData(original.model, edits);
}

async function resultOf(runner: Runner, feeds: Sample): Promise<Float32Array> {
  return (await runner.run(feeds))[RESULT]!.data as Float32Array;
}

/** `‖found − expected‖ / ‖expected‖`. */
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

/** The bytes of an array that has its buffer to itself. */
export function bytesOf({ buffer }: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer);
}
