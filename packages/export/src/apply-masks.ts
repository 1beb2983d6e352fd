import { type Criterion, type Mask, nnz, type Pattern, resolvePattern } from "@espalier/core";
import { type Model, type PrunableWeight, withTensorData } from "@espalier/onnx";
import { examineWeights } from "./examine-weights.js";
import { ExportError } from "./export-error.js";
import { isRecorded, readRecord, withStep } from "./record.js";
import { type MaskedWeight, zeroedChunks } from "./zero-entries.js";

/** What made the masks, for the pruning record. */
export interface PruningRun {
  /** Name and version of the program, such as `espalier 0.1.0`. */
  readonly tool: string;
  readonly criterion: Criterion;
  /** The pattern as `computeMasks` got it; the group it leaves open is recorded as the criterion's default. */
  readonly pattern: Pattern;
}

/**
 * The model with what the masks prune set to zero, in the dense layout it has: +0, or the zero point of quantised
 * weights. Everything else stays as it is bit for bit, except for one more step in the pruning record (metadata key
 * `espalier.pruning`). The new bytes of a weight are computed in pieces when they are read or written.
 *
 * When no mask prunes anything (sparsity 0), or no bit would change and the last step of the record already says this,
 * the model itself comes back and is written byte for byte: pruning twice equals pruning once.
 *
 * @param weights weights of this model
 * @param masks by weight name, in buffer order; weights without one are left alone
 * @throws {ExportError} `unknown-weight`; `mask-mismatch`; `bad-record` when the model carries a record that cannot be
 *   read; `invalid-run`
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
  const masked = pair(weights, masks);
  if (masked.every(({ mask }) => nnz(mask) === mask.length)) return model;
  const record = readRecord(model);
  const { changed, digest } = yield* examineWeights(model, masked);
  const options = describe(run);
  const named = masked.map(({ weight }) => weight);
  if (changed.length === 0 && isRecorded(record.steps.at(-1), options, named)) return model;
  const edits = new Map(changed.map((one) => [one.weight.tensor, () => zeroedChunks(model, one)]));
  const names = named.map(({ name }) => name).sort();
  return withStep(withTensorData(model, edits), record, { ...options, weights: names, originalWeights: digest });
}

function pair(weights: readonly PrunableWeight[], masks: ReadonlyMap<string, Mask>): MaskedWeight[] {
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  return [...masks].map(([name, mask]) => {
    const weight = byName.get(name);
    if (weight === undefined) {
      const message = `there is a mask for "${name}", but none of the ${weights.length} weights has that name`;
      throw new ExportError("unknown-weight", message, { weight: name });
    }
    const entries = weight.shape.reduce((product, size) => product * size, 1);
    if (mask.length === entries) return { weight, mask };
    const shape = `[${weight.shape.join(", ")}]`;
    const message = `the mask of "${name}" has ${mask.length} entries, expected ${entries} for its shape ${shape}`;
    throw new ExportError("mask-mismatch", message, { weight: name });
  });
}

function describe({ tool, criterion, pattern }: PruningRun) {
  const { spec, sparsity, group } = resolvePattern(pattern, criterion);
  return {
    tool,
    criterion: criterion.name,
    pattern: spec,
    sparsity,
    ...(group !== undefined && { group }),
    ...(criterion.seed !== undefined && { seed: criterion.seed }),
  };
}
