import { type Criterion, type Mask, nnz, type Pattern, type PruningOptions, resolvePattern } from "@espalier/core";
import { type Model, type PrunableWeight, type TensorProto, withTensorData } from "@espalier/onnx";
import { changedTensors } from "./changed-tensors.js";
import { examineWeights } from "./examine-weights.js";
import { ExportError } from "./export-error.js";
import { type NewValues, requireAdjustable } from "./new-values.js";
import { isRecorded, readRecord, withStep } from "./record.js";
import { editedChunks, type TensorEdit, wouldChange } from "./zero-entries.js";

/** What made the masks, for the pruning record, and what else is to change. */
export interface PruningRun {
  /** Name and version of the program, such as `espalier 0.1.0`. */
  readonly tool: string;
  /** What chose the entries that go. */
  readonly criterion: Pick<Criterion, "name" | "defaultGroup" | "seed">;
  /** The pattern as `computeMasks` got it; the group it leaves open is recorded as the criterion's default. */
  readonly pattern: Pattern;
  /** What divided the pattern's sparsity among the weights. @default every weight has the pattern's */
  readonly allocation?: AllocationRun;
  /** What makes up for the entries that go. @default nothing: kept entries stay as they are */
  readonly recovery?: Recovery;
}

/** An allocation, for the pruning record. */
export interface AllocationRun {
  /** The strategy's name, such as `owl`. */
  readonly name: string;
  /** The sparsity of every weight that has a mask. */
  readonly sparsities: ReadonlyMap<string, number>;
}

/** New values that make up for pruned entries. */
export interface Recovery {
  /** How they were found: `bias`, `scale`, `obs`, `least-squares`. */
  readonly method: string;
  /** By name of a weight that has a mask; what its mask prunes is +0 whatever the value. Other weights keep their values. */
  readonly values: ReadonlyMap<string, NewValues>;
  /** Biases and the like, by their tensor in the model. @default none */
  readonly tensors?: ReadonlyMap<TensorProto, NewValues>;
}

/**
 * The model with what the masks prune set to zero, in the dense layout it has: +0, or the zero point of quantised
 * weights. Kept entries and biases get the values of `run.recovery`, rounded to the tensor's type. Everything else stays as it
 * is bit for bit, except for one more step in the pruning record (metadata key `espalier.pruning`). The new bytes of a weight
 * are computed in pieces when they are read or written.
 *
 * When no mask prunes anything (sparsity 0), or no bit would change and the last step of the record already says this,
 * the model itself comes back and is written byte for byte: pruning twice equals pruning once.
 *
 * @param weights weights of this model
 * @param masks by weight name, in buffer order; weights without one are left alone
 * @throws {ExportError} `unknown-weight`; `mask-mismatch`; `bad-record` when the model carries a record that cannot be
 *   read; `invalid-run`; for new values `values-mismatch`, `not-finite`, and `unsupported-dtype` where the weight is quantised
 * @throws {OnnxError} when a weight cannot be read
 */
export function applyMasks(
  model: Model,
  weights: readonly PrunableWeight[],
  masks: ReadonlyMap<string, Mask>,
  run: PruningRun,
): Model {
  const steps = applyMasksInSteps(model, weights, masks, run);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * {@link applyMasks} in steps, for callers that let other work run in between, show progress or want to stop: it reads
 * the weights it has masks for, and a step is one weight.
 *
 * @returns yields the name of each weight that was read
 */
export function* applyMasksInSteps(
  model: Model,
  weights: readonly PrunableWeight[],
  masks: ReadonlyMap<string, Mask>,
  run: PruningRun,
): Generator<string, Model, undefined> {
  const edits = editsOf(weights, masks, run.recovery);
  const others = changedTensors(model, edits, run.recovery?.tensors);
  if ([...edits, ...others].every(({ mask, values }) => !values && mask && nnz(mask) === mask.length)) return model;
  const record = readRecord(model);
  const { changed, digest } = yield* examineWeights(model, edits);
  const changes = [...changed, ...others.filter((other) => wouldChange(model, other))];
  const names = edits.map(({ name }) => name).sort();
  const otherNames = others.map(({ name }) => name).sort();
  const options = describe(run, names);
  if (changes.length === 0 && isRecorded(record.steps.at(-1), options, names, otherNames)) return model;
  const data = new Map(changes.map((edit) => [edit.tensor, () => editedChunks(model, edit)]));
  const step = { ...options, weights: names, originalWeights: digest };
  const recorded = otherNames.length === 0 ? step : { ...step, changedTensors: otherNames };
  return withStep(withTensorData(model, data), record, recorded);
}

function editsOf(
  weights: readonly PrunableWeight[],
  masks: ReadonlyMap<string, Mask>,
  recovery: Recovery | undefined,
): TensorEdit[] {
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  for (const name of recovery?.values.keys() ?? []) {
    if (masks.has(name)) continue;
    throw new ExportError("unknown-weight", `there are new values for "${name}", but no mask`, { weight: name });
  }
  return [...masks].map(([name, mask]) => {
    const weight = byName.get(name);
    if (weight === undefined) {
      const message = `there is a mask for "${name}", but none of the ${weights.length} weights has that name`;
      throw new ExportError("unknown-weight", message, { weight: name });
    }
    requireFit(weight, mask);
    const { tensor, zeroAt } = weight;
    const values = recovery?.values.get(name);
    if (values !== undefined) requireAdjustable(name, tensor);
    return { name, tensor, mask, ...(zeroAt && { zeroAt }), ...(values && { values }) };
  });
}

function requireFit({ name, shape }: PrunableWeight, mask: Mask): void {
  const entries = shape.reduce((product, size) => product * size, 1);
  if (mask.length === entries) return;
  const message = `the mask of "${name}" has ${mask.length} entries, expected ${entries} for its shape [${shape.join(", ")}]`;
  throw new ExportError("mask-mismatch", message, { weight: name });
}

/** @param names of the weights that have masks */
function describe(run: PruningRun, names: readonly string[]): PruningOptions {
  const { tool, criterion, pattern, allocation, recovery } = run;
  const { spec, sparsity, group } = resolvePattern(pattern, criterion);
  const sparsities = names.map((name) => [name, allocation?.sparsities.get(name)] as const);
  return {
    tool,
    criterion: criterion.name,
    pattern: spec,
    sparsity,
    ...(group !== undefined && { group }),
    ...(criterion.seed !== undefined && { seed: criterion.seed }),
    ...(allocation && {
      allocation: allocation.name,
      sparsities: Object.fromEntries(sparsities) as Record<string, number>,
    }),
    ...(recovery && { recover: recovery.method }),
  };
}
