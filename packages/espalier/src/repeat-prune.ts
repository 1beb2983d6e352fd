import { availableParallelism } from "node:os";
import {
  fixesSparsity,
  PRUNING_RECORD_KEY,
  type PruningStep,
  parseCriterion,
  parsePattern,
  parsePruningRecord,
} from "@espalier/core";
import { type Model, metadata } from "@espalier/onnx";
import { obs, type RecoveryMethod } from "@espalier/recover";
import type { PrunerUnderTest } from "@espalier/verify";
import { EspalierError } from "./errors.js";
import { type PruneOptions, prune } from "./prune.js";
import type { RecoveryOptions } from "./recovery/recovery-options.js";

/**
 * The pruning that a model's record tells of, to be done again.
 *
 * @param pruned the model with the record; its last step is repeated
 * @param given what a record does not hold: samples, statistics, their mask, steps of a schedule
 * @throws {EspalierError} `input` without a readable record
 * @throws {CoreError} for a criterion or a pattern that this version does not know
 */
export function repeatPrune(pruned: Model, given: Partial<PruneOptions>): PrunerUnderTest {
  const step = lastStep(pruned);
  const options = { ...optionsOf(step), ...given };
  return {
    workers: Math.max(2, availableParallelism()),
    onceMore: step.recover === undefined,
    again: async (model, threads) => (await prune(model, { ...options, threads })).model,
  };
}

function lastStep(model: Model): PruningStep {
  const text = metadata(model).get(PRUNING_RECORD_KEY);
  const parsed = text === undefined ? undefined : parsePruningRecord(text);
  const step = parsed?.ok ? parsed.record.steps.at(-1) : undefined;
  if (step !== undefined) return step;
  throw new EspalierError("input", "the pruned model has no readable pruning record: pruning cannot be repeated");
}

function optionsOf({
  criterion,
  seed,
  pattern,
  sparsity,
  group,
  weights,
  allocation,
  recover,
}: PruningStep): PruneOptions {
  return {
    criterion: criterion === "obs" ? obs() : parseCriterion(criterion, seed),
    pattern: fixesSparsity(pattern) ? parsePattern(pattern) : parsePattern(pattern, sparsity, group),
    include: weights,
    recover: (recover ?? "none") as RecoveryMethod,
    ...(allocation !== undefined && { allocation: allocation as NonNullable<RecoveryOptions["allocation"]> }),
  };
}
