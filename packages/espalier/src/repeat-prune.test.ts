import { encodePruningRecord, PRUNING_RECORD_KEY, parsePruningRecord } from "@espalier/core";
import { decodeModel, encodeModel, metadata, withMetadata } from "@espalier/onnx";
import type { Sample } from "@espalier/runtime";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { l1, nm, obs, type PruneOptions, prune, random as randomly, unstructured, verify, wanda } from "espalier";
import { describe, expect, it } from "vitest";

const numbers = random(3);
const original = buildModel({
  nodes: [node("MatMul", ["x", "w0"], ["h"]), node("Relu", ["h"], ["a"]), node("MatMul", ["a", "w1"], ["y"])],
  initializers: [tensor("w0", [16, 32], numbers.float32(512)), tensor("w1", [32, 8], numbers.float32(256))],
  inputs: [valueInfo("x", "float32", ["n", 16])],
  outputs: [valueInfo("y", "float32", ["n", 8])],
});
const calibration: Sample[] = Array.from({ length: 70 }, () => {
  return { x: { dtype: "float32", dims: [1, 16], data: numbers.float32(16) } };
});

const bytesOf = async (options: PruneOptions) => (await prune(original, options)).toBytes();

async function repeated(pruned: Uint8Array, repeat: Partial<PruneOptions> = {}) {
  const { checks } = await verify({ original, pruned, repeat });
  return checks.find(({ name }) => name === "repeatable")!;
}

/** The model with another word in its record. */
function withRecord(pruned: Uint8Array, change: { readonly criterion?: string; readonly seed?: number }): Uint8Array {
  const model = decodeModel(pruned);
  const parsed = parsePruningRecord(metadata(model).get(PRUNING_RECORD_KEY)!);
  if (!parsed.ok) throw new Error(parsed.problem);
  const text = encodePruningRecord({ version: 1, steps: parsed.record.steps.map((step) => ({ ...step, ...change })) });
  return encodeModel(withMetadata(model, new Map([[PRUNING_RECORD_KEY, text]])));
}

describe("verify with repeat", () => {
  it.each<[string, PruneOptions, Partial<PruneOptions>]>([
    ["magnitude over the whole model", { criterion: l1(), pattern: unstructured(0.6, { group: "model" }) }, {}],
    ["chance", { criterion: randomly(9), pattern: nm(1, 4), include: ["w1"] }, {}],
    [
      "Wanda on the samples it saw",
      { criterion: wanda(), pattern: nm(2, 4), calibration, recover: "none" },
      { calibration },
    ],
    ["least squares on the samples it saw", { criterion: obs(), pattern: nm(2, 4), calibration }, { calibration }],
  ])("gets the same bytes from %s with one worker and with several", async (_, options, repeat) => {
    const check = await repeated(await bytesOf(options), repeat);
    expect(check).toMatchObject({
      status: "passed",
      message: expect.stringMatching(/same bytes with 1 and \d+ workers/),
    });
  });

  it("fails where the record does not tell the truth", async () => {
    const lied = withRecord(await bytesOf({ criterion: randomly(9), pattern: nm(2, 4) }), { seed: 10 });
    const check = await repeated(lied);
    expect(check).toMatchObject({ status: "failed", measured: 2 });
    expect(check.message).toMatch(/with 1 worker, with \d+ workers$/);
  });

  it("fails where other samples were seen", async () => {
    const pruned = await bytesOf({ criterion: obs(), pattern: nm(2, 4), calibration });
    expect(await repeated(pruned, { calibration: calibration.slice(0, 40) })).toMatchObject({
      status: "failed",
      measured: 2,
    });
  });

  it("needs a record", async () => {
    await expect(repeated(original)).rejects.toMatchObject({
      code: "input",
      message: expect.stringMatching(/no readable/),
    });
  });
});
