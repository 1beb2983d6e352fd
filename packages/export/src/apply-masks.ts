import { type Criterion, type Mask, nnz, type Pattern, resolvePattern } from "@espalier/core";
import { type Model, type PrunableWeight, type TensorData, tensorBytes, withTensorData } from "@espalier/onnx";
import { ExportError } from "./export-error.js";
import { isRecorded, readRecord, withStep } from "./record.js";
import { wouldChange, zeroEntries } from "./zero-entries.js";

/** What made the masks, for the pruning record. */
export interface PruningRun {
  /** Name and version of the program, such as `espalier 0.1.0`. */
  readonly tool: string;
  readonly criterion: Criterion;
  /** The pattern as `computeMasks` got it; the group it leaves open is recorded as the criterion's default. */
  readonly pattern: Pattern;
}

/** A weight and what is to become of it. */
interface MaskedWeight {
  readonly weight: PrunableWeight;
  readonly mask: Mask;
}

/**
 * The model with what the masks prune set to zero, in the dense layout it has: +0, or the zero point of quantised
 * weights. Everything else stays as it is bit for bit, except for one more step in the pruning record (metadata key
 * `espalier.pruning`). The new bytes of a weight are computed when they are read or written, one weight at a time.
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
  const masked = pair(weights, masks);
  if (masked.every(({ mask }) => nnz(mask) === mask.length)) return model;
  const record = readRecord(model);
  const changed = masked.filter(({ weight, mask }) => wouldChange(tensorBytes(model, weight.tensor), weight, mask));
  const options = describe(run);
  const named = masked.map(({ weight }) => weight);
  if (changed.length === 0 && isRecorded(record.steps.at(-1), options, named)) return model;
  return withStep(withTensorData(model, editsOf(model, changed)), model, record, options, named);
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

function editsOf(model: Model, changed: readonly MaskedWeight[]): Map<PrunableWeight["tensor"], TensorData> {
  return new Map(
    changed.map(({ weight, mask }) => {
      const masked = (): Uint8Array => {
        const bytes = tensorBytes(model, weight.tensor); // an array of its own: changing it changes no model
        zeroEntries(bytes, weight, mask);
        return bytes;
      };
      return [weight.tensor, masked];
    }),
  );
}
