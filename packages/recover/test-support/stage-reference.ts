import {
  appendToGraph,
  TensorProto_DataType as DataType,
  decodeModel,
  encodeModel,
  floatBytes,
  type Model,
  makeValueInfo,
  type PrunableWeight,
  prunableWeights,
  type TensorProto,
  withTensorData,
} from "@espalier/onnx";
import { openRunner, type Sample, type Tensor } from "@espalier/runtime";
import { buildModel, type ModelParts, random } from "@espalier/testkit";
import { expect } from "vitest";
// Built, because workers run what is built.
import {
  type Decision,
  runStages,
  type StageInputs,
  type StageOptions,
  type StageReport,
} from "../dist/stages/run-stages.js";
import type { Moments } from "../src/moments.js";

/** What the features of each group of a weight see: one list of inFeatures numbers for each position. */
export type Seen = readonly (readonly (readonly number[])[])[];

/** Values that are looked at, and what is seen of them. */
interface Sight {
  readonly values: readonly string[];
  readonly see: (values: readonly Tensor[]) => Seen;
}

/** A model, and what its weights see, told from the values of its graph with plain loops. */
export interface StageCase {
  readonly parts: ModelParts;
  readonly samples: readonly Sample[];
  /** By weight: the values that are looked at, and what the weight sees of them. */
  readonly seen: Readonly<Record<string, Sight>>;
  readonly options?: Partial<StageOptions>;
  /** By weight: the other summand of a residual connection behind it, where earlier weights make a difference to it. */
  readonly residuals?: Readonly<Record<string, Sight>>;
  /** Biases that change with their weights. */
  readonly biases?: Readonly<Record<string, string>>;
}

const DEFAULTS = { batch: 1, threads: 1, memory: 1e9, heldBack: 3, cross: true };

/** One call of `decide`. */
export interface Decided {
  readonly weight: string;
  readonly inputs: StageInputs;
}

/** Runs a case; each weight gets half of its values back as zeros and the others changed a little. */
export async function runCase(
  { parts, samples, options = {}, biases = {} }: StageCase,
  onDecide: (weight: PrunableWeight, decided: ReadonlyMap<TensorProto, Uint8Array>) => Promise<void> = async () => {},
): Promise<{ readonly calls: readonly Decided[]; readonly report: StageReport; readonly dense: Model }> {
  const dense = decodeModel(buildModel(parts));
  const weights = prunableWeights(dense).filter((weight) => weight.prunable);
  const calls: Decided[] = [];
  const decided = new Map<TensorProto, Uint8Array>();
  const report = await runStages(
    dense,
    dense,
    weights,
    { ...DEFAULTS, samples, ...options },
    async (weight, inputs) => {
      calls.push({ weight: weight.name, inputs });
      const before = new Map(decided);
      await onDecide(weight, before);
      const decision = changed(dense, weight, biases[weight.name]);
      decided.set(weight.tensor, floatBytes(weight.tensor, decision.values));
      if (decision.bias) decided.set(decision.bias.tensor, floatBytes(decision.bias.tensor, decision.bias.values));
      return decision;
    },
  );
  return { calls, report, dense };
}

/** Runs a case and compares all moments with those of whole models, run sample by sample. */
export async function checkCase(one: StageCase): Promise<StageReport> {
  const { samples, seen, options = {} } = one;
  const { heldBack, cross } = { ...DEFAULTS, ...options };
  const dense = decodeModel(buildModel(one.parts));
  const before = new Map<string, ReadonlyMap<TensorProto, Uint8Array>>();
  const {
    calls,
    report,
    dense: run,
  } = await runCase(one, async ({ name }, decided) => {
    before.set(name, decided);
  });
  expect(calls.map(({ weight }) => weight).sort()).toEqual(Object.keys(seen).sort());
  for (const { weight, inputs } of calls) {
    const { values, see } = seen[weight]!;
    const edits = new Map([...before.get(weight)!].map(([tensor, bytes]) => [tensor, () => bytes]));
    const pruned = await valuesOf(withTensorData(run, edits), samples, values);
    const original = await valuesOf(dense, samples, values);
    for (const kind of ["fit", "held"] as const) {
      const isIn = (_: unknown, index: number): boolean => ((index + 1) % heldBack === 0) === (kind === "held");
      const x = joined(pruned.filter(isIn).map(see));
      const d = joined(original.filter(isIn).map(see));
      expect(inputs[kind]).toHaveLength(x.length);
      for (const [group, moments] of inputs[kind].entries()) {
        expectMoments(moments, x[group]!, cross ? d[group]! : x[group]!, `${weight} ${kind} ${group}`);
      }
      const residual = cross ? one.residuals?.[weight] : undefined;
      expect([weight, inputs[kind][0]!.drift !== undefined]).toEqual([weight, residual !== undefined]);
      if (residual === undefined) continue;
      const summed = async (model: Model) =>
        joined((await valuesOf(model, samples, residual.values)).filter(isIn).map(residual.see))[0]!;
      const summands = { now: await summed(withTensorData(run, edits)), before: await summed(dense) };
      expectDrift(inputs[kind][0]!, x[0]!, summands, `${weight} ${kind}`);
    }
  }
  return report;
}

function changed(model: Model, weight: PrunableWeight, bias: string | undefined): Decision {
  const { float32, next } = random(weight.name.length + 5);
  const change = (values: Float32Array | Float64Array): Float32Array => {
    const noise = float32(values.length);
    return Float32Array.from(values, (value, index) => (next() < 0.5 ? 0 : value + 0.1 * noise[index]!));
  };
  const tensor = model.proto.graph!.initializer.find(({ name }) => name === bias);
  const values = change(weight.read());
  if (tensor === undefined) return { values };
  return { values, bias: { tensor, values: float32(Number(tensor.dims.at(-1))) } };
}

/** Values of the graph, for each sample. */
async function valuesOf(model: Model, samples: readonly Sample[], names: readonly string[]): Promise<Tensor[][]> {
  const inputs = new Set(model.proto.graph?.input.map(({ name }) => name));
  const inner = [...new Set(names)].filter((name) => !inputs.has(name));
  const known = new Set(model.proto.graph?.output.map(({ name }) => name));
  const outputs = inner.filter((name) => !known.has(name)).map((name) => makeValueInfo(name, DataType.FLOAT));
  const runner = await openRunner(encodeModel(appendToGraph(model, { outputs })), { optimization: "disabled" });
  try {
    const all: Tensor[][] = [];
    for (const sample of samples) {
      const found = inner.length === 0 ? {} : await runner.run(sample, inner);
      all.push(names.map((name) => found[name] ?? sample[name]!));
    }
    return all;
  } finally {
    await runner.close();
  }
}

function joined(samples: readonly Seen[]): Seen {
  return (samples[0] ?? []).map((_, group) => samples.flatMap((seen) => seen[group]!));
}

/**
 * What float32 may cost: its products and sums are off by some units of 6e-8, and what they are made of went through several
 * layers in another order. Entries are compared with the size of what they are sums of.
 */
const TOLERANCE = 1e-5;

function expectMoments(moments: Moments, x: Seen[number], d: Seen[number], what: string): void {
  const features = x[0]!.length;
  expect([what, moments.count]).toEqual([what, x.length]);
  const scale = (rows: Seen[number], f: number): number =>
    Math.sqrt(rows.reduce((sum, row) => sum + row[f]! ** 2, 0)) + 1e-9;
  const [scaleX, scaleD] = [x, d].map((rows) => Array.from({ length: features }, (_, f) => scale(rows, f)));
  const close = (found: number, expected: number, size: number, where: string): void =>
    expectClose(found, expected, size, `${what} ${where}`);
  const root = Math.sqrt(x.length);
  for (let i = 0; i < features; i++) {
    close(
      moments.sum[i]!,
      total(x, (row) => row[i]!),
      scaleX![i]! * root,
      `sum ${i}`,
    );
    close(
      moments.denseSum[i]!,
      total(d, (row) => row[i]!),
      scaleD![i]! * root,
      `denseSum ${i}`,
    );
    for (let j = 0; j < features; j++) {
      close(
        moments.gram[i * features + j]!,
        total(x, (row) => row[i]! * row[j]!),
        scaleX![i]! * scaleX![j]!,
        `gram ${i} ${j}`,
      );
      const cross = moments.cross ?? moments.gram;
      const expected = x.reduce((sum, row, place) => sum + row[i]! * d[place]![j]!, 0);
      close(cross[i * features + j]!, expected, scaleX![i]! * scaleD![j]!, `cross ${i} ${j}`);
    }
  }
}

function expectClose(found: number, expected: number, size: number, where: string): void {
  if (Math.abs(found - expected) <= TOLERANCE * size) return;
  expect(`${where}: ${found}`).toBe(`${where}: ${expected}`);
}

/** Against `Σ x δᵀ` and `Σ δ`, where δ is how much more the residual is in the dense model. */
function expectDrift(
  { drift }: Moments,
  x: Seen[number],
  residual: { readonly now: Seen[number]; readonly before: Seen[number] },
  what: string,
): void {
  const more = residual.before.map((row, place) => row.map((value, channel) => value - residual.now[place]![channel]!));
  const [features, channels] = [x[0]!.length, more[0]!.length];
  const size = (rows: Seen[number], index: number): number => Math.sqrt(total(rows, (row) => row[index]! ** 2));
  for (let o = 0; o < channels; o++) {
    // The difference of two numbers is as exact as they are, not as small as it is.
    const scale = size(residual.before, o) + size(residual.now, o);
    const sum = total(more, (row) => row[o]!);
    expectClose(drift!.sum[o]!, sum, scale * Math.sqrt(x.length), `${what} drift sum ${o}`);
    for (let i = 0; i < features; i++) {
      const expected = x.reduce((all, row, place) => all + row[i]! * more[place]![o]!, 0);
      expectClose(drift!.cross[i * channels + o]!, expected, scale * size(x, i), `${what} drift ${i} ${o}`);
    }
  }
}

function total(rows: Seen[number], of: (row: readonly number[]) => number): number {
  return rows.reduce((sum, row) => sum + of(row), 0);
}

/** Rows of features: all axes but the last are positions. */
export function rowsOf([tensor]: readonly Tensor[]): Seen {
  const { dims, data } = tensor as Extract<Tensor, { dtype: "float32" }>;
  const features = dims.at(-1)!;
  return [
    Array.from({ length: data.length / features }, (_, row) => [
      ...data.subarray(row * features, (row + 1) * features),
    ]),
  ];
}
