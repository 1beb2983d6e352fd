import { decodeModel, encodeModel, type Model, prunableWeights } from "@espalier/onnx";
import { openRunner, type RunnerOptions, type Sample, type Tensor } from "@espalier/runtime";
import { buildModel, type ModelParts } from "@espalier/testkit";
import { expect } from "vitest";
import { instrument } from "../src/instrument/instrument.js";
import type { Instrumentation, InstrumentOptions } from "../src/instrument/instrumentation.js";
import { grams, type Patches, sumsOfSquares } from "./patches.js";

/** What one run of an instrumented model says about a weight. */
export interface Measured {
  readonly sums: readonly number[];
  readonly count: number;
  readonly gram?: readonly number[];
}

/** One run of an instrumented model. */
export interface MeasuredRun {
  readonly weights: ReadonlyMap<string, Measured>;
  /** The outputs that the model has by itself. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly instrumentation: Instrumentation;
}

/**
 * Instruments all prunable weights of a model, runs it once, and checks that its own outputs are those of the plain model,
 * bit for bit.
 */
export async function measuredRun(
  parts: ModelParts | Uint8Array | Model,
  feeds: Sample,
  options: InstrumentOptions = {},
  runnerOptions: RunnerOptions = {},
): Promise<MeasuredRun> {
  const model = "proto" in parts ? parts : decodeModel(parts instanceof Uint8Array ? parts : buildModel(parts));
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const instrumentation = instrument(model, weights, options);
  const plain = await outputsOf(encodeModel(model), feeds, runnerOptions);
  const all = await outputsOf(encodeModel(instrumentation.model), feeds, runnerOptions);
  const outputs = Object.fromEntries(Object.keys(plain).map((name) => [name, all[name]!]));
  for (const [name, tensor] of Object.entries(plain)) expectSameBits(name, outputs[name]!, tensor);
  const measured = new Map<string, Measured>();
  for (const { kind, weights, sumOutput, countOutput } of instrumentation.probes) {
    const values = Array.from(all[sumOutput]!.data as Float32Array);
    const count = Number(all[countOutput]!.data[0]);
    expect(all[countOutput]!.data).toHaveLength(1);
    for (const { name } of weights) {
      const known = measured.get(name);
      if (kind === "gram") expect(count).toBe(known?.count);
      measured.set(name, kind === "squares" ? { sums: values, count } : { ...known!, gram: values });
    }
  }
  return { weights: measured, outputs, instrumentation };
}

/** Vitest would compare large arrays number by number. */
function expectSameBits(name: string, found: Tensor, expected: Tensor): void {
  expect([name, found.dtype, found.dims]).toEqual([name, expected.dtype, expected.dims]);
  const [a, b] = [found.data, expected.data].map((data) => Buffer.from((data as Float32Array).buffer.slice()));
  expect(a!.equals(b!)).toBe(true);
}

async function outputsOf(bytes: Uint8Array, feeds: Sample, options: RunnerOptions) {
  const runner = await openRunner(bytes, options);
  try {
    return await runner.run(feeds);
  } finally {
    await runner.close();
  }
}

/** Largest relative error of sums of float32 that are added in float32: what calibration promises. */
const TOLERANCE = 1e-5;

/**
 * Compares with plain loops in float64.
 *
 * @param groups what the features see, group by group
 */
export function expectMeasured(measured: Measured | undefined, groups: readonly Patches[]): void {
  expect(measured).toBeDefined();
  expect(measured!.count).toBe(groups[0]!.length);
  const sums = sumsOfSquares(groups);
  expectClose(measured!.sums, sums, sums);
  if (measured!.gram === undefined) return;
  const width = groups[0]![0]!.length;
  // An entry of a Gram matrix can cancel to nothing, so it is compared with the features that it is made of.
  const scales = groups.flatMap((_, g) =>
    Array.from({ length: width * width }, (_, index) => {
      const [a, b] = [Math.floor(index / width), index % width];
      return Math.sqrt(sums[g * width + a]! * sums[g * width + b]!);
    }),
  );
  expectClose(measured!.gram, grams(groups), scales);
}

/** Each number within {@link TOLERANCE} of its scale; where the scale is 0, exactly 0. */
export function expectClose(found: readonly number[], expected: readonly number[], scales: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  const wrong = found.findIndex((value, index) => !(Math.abs(value - expected[index]!) <= TOLERANCE * scales[index]!));
  if (wrong >= 0) expect(`[${wrong}] = ${found[wrong]}`).toBe(`[${wrong}] = ${expected[wrong]}`);
}

/** A float32 feed. */
export function float32(dims: readonly number[], data: Float32Array): Tensor {
  return { dtype: "float32", dims, data };
}
