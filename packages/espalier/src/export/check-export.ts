import type { Model, PrunableWeight } from "@espalier/onnx";
import { isRunnerError, type RunnerOptions } from "@espalier/runtime";
import { EspalierError } from "../errors.js";
import { breathe } from "../progress.js";
import { checkOutputs } from "./check-outputs.js";
import { checkDecoder } from "./check-weights.js";
import type { ResolvedExport } from "./export-options.js";

/** What was checked before the model was handed out. */
export interface ExportCheck {
  /** Weights that came out of their decoders as they went in: bit for bit (f32), or within what rounding allows. */
  readonly weights: number;
  /** Largest distance of a decoded entry, absolute; 0 with f32. */
  readonly largestError: number;
  /** Relative L2 distance of the outputs on seeded random feeds; null where they were not compared. */
  readonly outputDistance: number | null;
  /** The distance that is accepted. */
  readonly limit: number;
  /** What could not be checked, and why. */
  readonly notes: readonly string[];
}

/** What is to be checked. */
export interface CheckedExport {
  /** As it was given. */
  readonly given: Model;
  /** What was encoded: the given one, or one with lowered weights and fewer channels. */
  readonly prepared: Model;
  readonly exported: Model;
  /** Of `prepared`: those that have decoders. */
  readonly encoded: readonly PrunableWeight[];
  /** Whether sums are formed in another order than in the given model. */
  readonly reordered: boolean;
}

/** f32: same weights, same kernels. */
const SAME = 1e-6;
/** Sums of the same products in another order. */
const REORDERED = 1e-4;
/** Weights rounded to 11 bits, through some layers. */
const HALF = 0.02;
/** Weights rounded to 8 bits, and inputs too where blocks are lowered. */
const INT8 = 0.25;

/**
 * Checks an exported model by running it: every decoder alone, and the whole against the given model.
 *
 * @throws {EspalierError} `input` where a decoder or an output is further off than it may be
 * @throws {RunnerError} where the runtime refuses the exported model
 */
export async function checkExport(checked: CheckedExport, options: ResolvedExport): Promise<ExportCheck> {
  const limit = limitOf(checked, options);
  const unchecked = { weights: 0, largestError: 0, outputDistance: null, limit };
  try {
    const decoders = await checkDecoders(checked, options);
    if (checked.exported === checked.given) return { ...unchecked, outputDistance: 0, notes: [] };
    options.onProgress?.({ phase: "verify", done: 0, total: 1, item: "outputs" });
    const outputs = await checkOutputs(checked.given, checked.exported, runnerOptions(options));
    if (outputs.status === "skipped") {
      return { ...unchecked, ...decoders, notes: [...decoders.notes, outputs.note] };
    }
    if (outputs.distance > limit && !options.force) throw tooFar(outputs.distance, limit);
    return { ...unchecked, ...decoders, outputDistance: outputs.distance };
  } catch (error) {
    const isMissing = isRunnerError(error, "backend-missing") || isRunnerError(error, "backend-failed");
    if (!isMissing) throw error;
    return { ...unchecked, notes: [`the result was not checked: ${error.message}`] };
  }
}

async function checkDecoders(
  { prepared, exported, encoded }: CheckedExport,
  options: ResolvedExport,
): Promise<Pick<ExportCheck, "weights" | "largestError" | "notes">> {
  const { values, signal, onProgress } = options;
  let largestError = 0;
  let weights = 0;
  const notes: string[] = [];
  for (const weight of encoded) {
    await breathe(signal);
    const distance = await checkDecoder({ exported, original: prepared, weight, values }, runnerOptions(options));
    if (distance === undefined) notes.push(`${weight.name}: its decoder was checked only through the model's outputs`);
    else weights++;
    largestError = Math.max(largestError, distance ?? 0);
    onProgress?.({ phase: "verify", done: weights, total: encoded.length, item: weight.name });
  }
  return { weights, largestError, notes };
}

/** What the target's own runtime says counts; TensorRT is not there. */
function runnerOptions({ target }: ResolvedExport): RunnerOptions {
  return { backend: target === "ort-web" ? "web" : "node" };
}

function limitOf({ reordered }: CheckedExport, { values }: ResolvedExport): number {
  if (values !== "f32") return values === "f16" ? HALF : INT8;
  return reordered ? REORDERED : SAME;
}

function tooFar(distance: number, limit: number): EspalierError {
  const found = `on random inputs the exported model's outputs are off by ${distance.toPrecision(3)} (relative L2)`;
  return new EspalierError("input", `${found}, more than ${limit}; nothing was written. Force hands it out anyway`);
}
