import {
  encodePruningRecord,
  PRUNING_RECORD_KEY,
  type PruningOptions,
  type PruningRecord,
  type PruningStep,
  parsePruningRecord,
} from "@espalier/core";
import { type Model, metadata, withMetadata } from "@espalier/onnx";
import { ExportError } from "./export-error.js";

/**
 * A model's pruning record; one without steps where there is none.
 *
 * @throws {ExportError} `bad-record`: going on would drop what another program wrote there
 */
export function readRecord(model: Model): PruningRecord {
  const text = metadata(model).get(PRUNING_RECORD_KEY);
  if (text === undefined) return { version: 1, steps: [] };
  const parsed = parsePruningRecord(text);
  if (parsed.ok) return parsed.record;
  throw new ExportError(
    "bad-record",
    `the model's metadata entry ${PRUNING_RECORD_KEY} is no pruning record: ${parsed.problem}; remove the entry and prune again`,
  );
}

/**
 * Whether a step pruned at least these weights with the same options, and changed at least these other tensors; which tool did
 * it makes no difference.
 */
export function isRecorded(
  step: PruningStep | undefined,
  options: PruningOptions,
  weights: readonly string[],
  changedTensors: readonly string[],
): boolean {
  if (step === undefined) return false;
  const keys = ["criterion", "pattern", "sparsity", "group", "seed", "allocation", "recover"] as const;
  const names = new Set(step.weights);
  const changed = new Set(step.changedTensors);
  return (
    keys.every((key) => step[key] === options[key]) &&
    weights.every((name) => names.has(name) && step.sparsities?.[name] === options.sparsities?.[name]) &&
    changedTensors.every((name) => changed.has(name))
  );
}

/**
 * The pruned model with one more step in its record.
 *
 * @param record what is recorded so far
 * @throws {ExportError} `invalid-run` when the record could not be read back
 */
export function withStep(pruned: Model, record: PruningRecord, step: PruningStep): Model {
  const text = encodePruningRecord({ ...record, steps: [...record.steps, step] });
  const parsed = parsePruningRecord(text);
  if (!parsed.ok) throw new ExportError("invalid-run", `this run cannot be recorded: ${parsed.problem}`);
  return withMetadata(pruned, new Map([[PRUNING_RECORD_KEY, text]]));
}
