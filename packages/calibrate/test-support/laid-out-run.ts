import { layOutInputs } from "@espalier/calibrate";
import {
  appendToGraph,
  TensorProto_DataType as DataType,
  decodeModel,
  encodeModel,
  type Model,
  makeValueInfo,
  prunableWeights,
} from "@espalier/onnx";
import { openRunner, type Sample, type Tensor } from "@espalier/runtime";
import { buildModel, type ModelParts } from "@espalier/testkit";
import { expect } from "vitest";
import type { Patches } from "./patches.js";

/** The inputs of every prunable weight of a model, as ONNX Runtime lays them out: those of `unsupported` weights are missing. */
export async function laidOutRun(
  parts: ModelParts | Model,
  feeds: Sample,
  options: { readonly mask?: string } = {},
): Promise<ReadonlyMap<string, Tensor>> {
  const model = "proto" in parts ? parts : decodeModel(buildModel(parts));
  const weights = prunableWeights(model).filter((weight) => weight.prunable);
  const { model: laidOut, inputs } = layOutInputs(model, weights, options);
  const outputs = inputs.map(({ value }) => makeValueInfo(value, DataType.FLOAT));
  const runner = await openRunner(encodeModel(appendToGraph(laidOut, { outputs })));
  try {
    const values = await runner.run(feeds);
    return new Map(inputs.flatMap(({ value, weights }) => weights.map((name) => [name, values[value]!] as const)));
  } finally {
    await runner.close();
  }
}

/**
 * Compares with plain loops, number by number: laying out only moves numbers.
 *
 * @param groups what the features see, group by group
 */
export function expectLaidOut(laidOut: Tensor | undefined, groups: readonly Patches[]): void {
  expect(laidOut?.dtype).toBe("float32");
  expect(laidOut!.dims).toEqual([groups.length, groups[0]!.length, groups[0]![0]!.length]);
  const [found, expected] = [laidOut!.data as Float32Array, groups.flat(2)];
  const wrong = expected.findIndex((value, index) => found[index] !== Math.fround(value));
  if (wrong >= 0) expect(`[${wrong}] = ${found[wrong]}`).toBe(`[${wrong}] = ${expected[wrong]}`);
}
