import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeModel, type Model, prunableWeights, writeModel } from "@espalier/onnx";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { instrument } from "./instrument.js";

const folder = mkdtempSync(join(tmpdir(), "espalier-instrument-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SIZE = 256;
const CHANNELS = 16;
const LAYERS = 24;
const MEBIBYTE = 2 ** 20;

/** Layers of 3×3 convolutions, each of whose activations takes 4 MiB. */
function network(): Model {
  const shape = [CHANNELS, CHANNELS, 3, 3];
  const layers = [...Array(LAYERS).keys()];
  const nodes = layers.flatMap((layer) => [
    node("Conv", [layer === 0 ? "x" : `r${layer}`, `W${layer}`], [`c${layer}`], { pads: [1, 1, 1, 1] }),
    node("Relu", [`c${layer}`], [layer === LAYERS - 1 ? "y" : `r${layer + 1}`]),
  ]);
  const dims = ["batch", CHANNELS, SIZE, SIZE];
  return decodeModel(
    buildModel({
      nodes,
      initializers: layers.map((layer) =>
        tensor(
          `W${layer}`,
          shape,
          random(layer)
            .float32(CHANNELS * CHANNELS * 9)
            .map((value) => value / 12),
        ),
      ),
      inputs: [valueInfo("x", "float32", dims)],
      outputs: [valueInfo("y", "float32", dims)],
    }),
  );
}

/** Bytes that one run takes, in a process of its own. */
function peakOf(model: Model, name: string): number {
  const path = join(folder, `${name}.onnx`);
  writeModel(model, path);
  const script = fileURLToPath(new URL("../../test-support/peak-memory.mjs", import.meta.url));
  const printed = execFileSync(process.execPath, [script, path, JSON.stringify([1, CHANNELS, SIZE, SIZE])], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return Number(printed);
}

describe("an instrumented model", () => {
  it("reduces activations one after the other, without keeping them all", () => {
    const model = network();
    const weights = prunableWeights(model).filter((weight) => weight.prunable);
    const plain = peakOf(model, "plain");
    for (const blocked of [false, true]) {
      const more = peakOf(instrument(model, weights, { blocked, gram: false }).model, `blocked ${blocked}`) - plain;
      // Kept until the end, the activations and their squares would take 2 · 24 · 4 MiB.
      expect(more).toBeLessThan(64 * MEBIBYTE);
    }
  });
});
