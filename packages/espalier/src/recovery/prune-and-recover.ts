import { cubic, gradual, type Pattern, type Schedule } from "@espalier/core";
import type { Model, PrunableWeight } from "@espalier/onnx";
import { ProgressFile, pruneInSteps, type StepwisePruning } from "@espalier/recover";
import type { Sample } from "@espalier/runtime";
import { EspalierError } from "../errors.js";
import { type AllocationRequest, allocate } from "./allocate.js";
import type { RecoveryOptions } from "./recovery-options.js";
import { runDigest } from "./run-digest.js";

const DEFAULT_STEPS = 4;

/** A request whose samples are at hand. */
export interface RecoveryRequest extends Omit<AllocationRequest, "samples"> {
  readonly samples: readonly Sample[];
  readonly recover: NonNullable<RecoveryOptions["recover"]>;
}

/** What became of it. */
export interface RecoveredPruning {
  readonly pruning: StepwisePruning;
  /** The pattern that each weight came to, by name. */
  readonly patterns: ReadonlyMap<string, Pattern>;
}

/**
 * Prunes layer by layer, in the steps of the schedule, and makes up for it.
 *
 * @throws {EspalierError} `usage` for a schedule without a sparsity to climb to
 * @throws {RecoverError} what `pruneInSteps` throws
 */
export async function pruneAndRecover(
  model: Model,
  weights: readonly PrunableWeight[],
  request: RecoveryRequest,
): Promise<RecoveredPruning> {
  const patterns = await allocate(model, weights, { ...request, samples: async () => request.samples });
  const sparsities = stepsOf(request);
  const progress = openProgress(model, weights, request);
  try {
    const recovered = await inSteps(model, weights, request, { patterns, sparsities, ...(progress && { progress }) });
    progress?.remove();
    return recovered;
  } catch (error) {
    progress?.close();
    throw error;
  }
}

function openProgress(
  model: Model,
  weights: readonly PrunableWeight[],
  request: RecoveryRequest,
): ProgressFile | undefined {
  const { progressFile, resume = false } = request;
  return progressFile === undefined
    ? undefined
    : ProgressFile.open(progressFile, runDigest(model, weights, request), resume);
}

interface Plan {
  readonly patterns: ReadonlyMap<string, Pattern>;
  readonly sparsities: readonly number[];
  readonly progress?: ProgressFile;
}

async function inSteps(
  model: Model,
  weights: readonly PrunableWeight[],
  request: RecoveryRequest,
  { patterns, sparsities, progress }: Plan,
): Promise<RecoveredPruning> {
  const { criterion, recover, samples, mask, batch, threads, memory, damping, maxOutputError, signal, onProgress } =
    request;
  let steps = 0;
  const pruning = await pruneInSteps(model, weights, {
    ...{ criterion, samples, sparsities, method: recover },
    patternAt: ({ name }, sparsity) => scaled(patterns.get(name)!, sparsity / request.pattern.sparsity),
    ...(mask !== undefined && { mask }),
    ...(batch !== undefined && { batch }),
    ...(threads !== undefined && { threads }),
    ...(memory !== undefined && { memory }),
    ...(damping !== undefined && { damping }),
    ...(maxOutputError !== undefined && { maxOutputError }),
    ...(signal && { signal }),
    ...(progress && { progress }),
    onStep: () => steps++,
    onProgress: ({ stage, stages, batch: done, batches }) => {
      const step = sparsities.length === 1 ? "" : `step ${steps + 1} of ${sparsities.length}, `;
      onProgress?.({
        phase: "recover",
        done,
        ...(batches !== undefined && { total: batches }),
        item: `${step}stage ${stage + 1} of ${stages}`,
      });
    },
  });
  const reached = pruning.steps.findLast(({ passed }) => passed)!.sparsity / request.pattern.sparsity;
  return { pruning, patterns: new Map([...patterns].map(([name, pattern]) => [name, scaled(pattern, reached)])) };
}

function stepsOf({ schedule = "oneshot", steps = DEFAULT_STEPS, pattern }: RecoveryRequest): readonly number[] {
  const { sparsity } = pattern;
  if (schedule === "oneshot") return [sparsity];
  if (pattern.withSparsity === undefined) {
    const message = `the pattern ${pattern.spec} fixes its sparsity, so there is nothing to climb to: leave the schedule out`;
    throw new EspalierError("usage", message);
  }
  if (!Number.isSafeInteger(steps) || steps < 2) {
    throw new EspalierError("usage", `a schedule of ${steps} steps: give at least 2`);
  }
  const ramp: Schedule = (schedule === "cubic" ? cubic : gradual)({ start: 0, end: steps, final: sparsity });
  return Array.from({ length: steps }, (_, step) => ramp.sparsityAt(step + 1));
}

/** The pattern with its sparsity multiplied; a pattern that fixes its sparsity as it is. */
function scaled(pattern: Pattern, factor: number): Pattern {
  return factor === 1 || pattern.withSparsity === undefined ? pattern : pattern.withSparsity(pattern.sparsity * factor);
}
