import type { ParsedPruningRecord, PruningStep } from "@espalier/core";
import { PRUNING_RECORD_KEY, parsePruningRecord } from "@espalier/core";
import { type Model, metadata } from "@espalier/onnx";
import { type Comparison, compareModels } from "./compare-models.js";
import { Execution } from "./execution.js";
import { latencyOf } from "./latency.js";
import type { VerifyOptions } from "./options.js";
import { readJudged } from "./reading/read-judged.js";
import type { Reading } from "./reading/reading.js";
import { partOptions } from "./reading/run-alone.js";
import type { Latency } from "./verification.js";
import { pairWeights, type WeightPair } from "./weight-pairs.js";

/** What checks share: the options, what was found out about both models once, and the running models. */
export interface VerifyContext {
  readonly options: VerifyOptions;
  /** The pruned model as it is read: its weights dense, however they are stored. What checks look at, not what is run. */
  readonly reading: Reading;
  /** The pruned model's record; undefined where it has none. */
  readonly record: ParsedPruningRecord | undefined;
  /** All steps of that record, oldest first; none where it is missing or unreadable. */
  readonly steps: readonly PruningStep[];
  /** The steps that the original's own record does not have: what was done between the two models. */
  readonly newSteps: readonly PruningStep[];
  /** Every prunable weight that both models have. */
  readonly weights: readonly WeightPair[];
  /** Those that count as pruned: their bytes differ, or a step names them. */
  readonly prunedWeights: readonly WeightPair[];
  /** Those that must have the pattern and the sparsity: the pruned ones, or what the caller chose. */
  readonly judgedWeights: readonly WeightPair[];
  readonly execution: Execution;
  /** What both models put out for all samples; they are run when it is first asked for. Throws what `compareModels` throws. */
  readonly comparison: () => Promise<Comparison>;
  /** Times of both models, measured when they are first asked for; undefined where options want none or one does not run. */
  readonly latency: () => Promise<Latency | undefined>;
}

/**
 * Reads both models' weights once, and runs what weights are computed by in the pruned model.
 *
 * @throws {OnnxError} when a tensor cannot be read
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function createContext(options: VerifyOptions): Promise<VerifyContext> {
  const record = recordOf(options.pruned);
  const steps = stepsOf(record);
  const reading = await readJudged(options.original, options.pruned, partOptions(options));
  const weights = pairWeights(options.original, reading.model);
  const named = new Set(steps.flatMap((step) => step.weights));
  const prunedWeights = weights.filter(({ name, changed }) => changed || named.has(name));
  const chosen = options.weights;
  const execution = new Execution(options);
  const judgedWeights = chosen === undefined ? prunedWeights : weights.filter(({ name }) => chosen(name));
  return {
    options,
    reading,
    record,
    steps,
    newSteps: withoutFirst(stepsOf(recordOf(options.original)), steps),
    weights,
    prunedWeights,
    judgedWeights,
    execution,
    comparison: once(() => compareModels(options, execution)),
    latency: once(() => latencyOf(options, execution)),
  };
}

function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= compute();
    return result;
  };
}

function recordOf(model: Model): ParsedPruningRecord | undefined {
  const text = metadata(model).get(PRUNING_RECORD_KEY);
  return text === undefined ? undefined : parsePruningRecord(text);
}

function stepsOf(record: ParsedPruningRecord | undefined): readonly PruningStep[] {
  return record?.ok ? record.record.steps : [];
}

/** A model that is pruned further keeps the record of what was done before. */
function withoutFirst(before: readonly PruningStep[], steps: readonly PruningStep[]): readonly PruningStep[] {
  const kept = before.every((step, index) => JSON.stringify(step) === JSON.stringify(steps[index]));
  return kept ? steps.slice(before.length) : steps;
}
