import type { ValueInfo } from "../tensor.js";
import { badSamples } from "./bad-samples.js";
import { decodeJsonl } from "./jsonl.js";
import { decodeNpy } from "./npy.js";
import { decodeNpz } from "./npz.js";
import { decodeSafetensors } from "./safetensors.js";
import { sampleFeeds } from "./sample-feeds.js";
import type { SampleSet } from "./sample-set.js";

/** Endings of the sample files that {@link decodeSamples} knows. */
export const SAMPLE_EXTENSIONS = [".npz", ".npy", ".safetensors", ".jsonl"] as const;

/**
 * Decodes a sample file by the ending of its name, and checks it against a model's inputs.
 *
 * @param name file name, with or without folders
 * @param bytes its content
 * @param inputs `runner.inputs`
 * @throws {RunnerError} `bad-samples`
 */
export function decodeSamples(name: string, bytes: Uint8Array, inputs: readonly ValueInfo[]): SampleSet {
  const extension = SAMPLE_EXTENSIONS.find((ending) => name.toLowerCase().endsWith(ending));
  switch (extension) {
    case ".npz":
      return sampleFeeds(decodeNpz(bytes, { name }), inputs, name);
    case ".npy":
      return sampleFeeds(decodeNpy(bytes, name), inputs, name);
    case ".safetensors":
      return sampleFeeds(decodeSafetensors(bytes, name), inputs, name);
    case ".jsonl":
      return decodeJsonl(bytes, inputs, name);
    default:
      throw badSamples(name, `expected a file that ends in ${SAMPLE_EXTENSIONS.join(", ")}.`);
  }
}
