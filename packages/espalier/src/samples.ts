import { readFileSync, statSync } from "node:fs";
import { modelInputs } from "@espalier/calibrate";
import type { Model } from "@espalier/onnx";
import { decodeSamples, joinSampleSets, SAMPLE_EXTENSIONS, type Sample, type ValueInfo } from "@espalier/runtime";
import { globSync, isDynamicPattern } from "tinyglobby";
import { EspalierError } from "./errors.js";
import { loadModule } from "./load-module.js";

/** Feeds of a model, one after the other; each has one tensor per model input, with a leading batch axis. */
export type Samples = Iterable<Sample> | AsyncIterable<Sample>;

/** Samples that are read once the inputs of the model are known, because files say too little about names and types. */
export interface SampleSource {
  /**
   * @throws {EspalierError} `input` when nothing is found or a file cannot be read
   * @throws {RunnerError} `bad-samples` when a file does not fit the model
   */
  open(inputs: readonly ValueInfo[]): Promise<Samples>;
}

/**
 * All samples of a model, in memory.
 *
 * @throws what opening and reading them throws
 */
export async function openSamples(model: Model, source: Samples | SampleSource): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of "open" in source ? await source.open(modelInputs(model)) : source) samples.push(sample);
  return samples;
}

const MODULE = /\.[cm]?[jt]s$/;

/**
 * Samples from a file, a folder, or a glob, several files in the order of their names: `.npz` and `.safetensors` (one array
 * per model input, first axis = samples), `.npy` (models with one input), `.jsonl` (one object per line, input name → nested arrays).
 * A JavaScript or TypeScript module gives what its default export iterates over.
 */
export function fromFiles(path: string): SampleSource {
  return {
    async open(inputs) {
      if (MODULE.test(path)) return fromModule(path);
      return joinSampleSets(filesOf(path).map((file) => decodeSamples(file, read(file), inputs)));
    },
  };
}

/** {@link fromFiles} for `.npz` files: one array per model input, first axis = samples. */
export function fromNpz(glob: string): SampleSource {
  if (!glob.endsWith(".npz"))
    throw new EspalierError("usage", `fromNpz reads .npz files and was given ${glob}: use fromFiles`);
  return fromFiles(glob);
}

function filesOf(path: string): string[] {
  const endings = SAMPLE_EXTENSIONS.join(", ");
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return [path];
  if (!found && !isDynamicPattern(path)) {
    throw new EspalierError(
      "input",
      `there are no samples at ${path}: expected a file (${endings}), a folder or a glob`,
    );
  }
  const glob = found ? SAMPLE_EXTENSIONS.map((ending) => `*${ending}`) : path;
  const files = globSync(glob, {
    ...(found && { cwd: path }),
    absolute: found !== undefined,
    expandDirectories: false,
  });
  if (files.length === 0) throw new EspalierError("input", `no sample file (${endings}) is in ${path}`);
  return files.sort();
}

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new EspalierError("input", `cannot read the samples ${file}: ${(error as Error).message}`, { cause: error });
  }
}

async function fromModule(path: string): Promise<Samples> {
  const samples = await loadModule(path, "the sample module");
  const iterable = samples as Partial<Iterable<Sample> & AsyncIterable<Sample>> | null | undefined;
  if (iterable?.[Symbol.iterator] || iterable?.[Symbol.asyncIterator]) return iterable as Samples;
  throw new EspalierError(
    "input",
    `the default export of ${path} is no iterable of samples; export an array, a generator or the like`,
  );
}
