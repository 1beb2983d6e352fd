import { layOutInputs } from "@espalier/calibrate";
import type { Model, PrunableWeight } from "@espalier/onnx";
import { RecoverError } from "./recover-error.js";

/** A weight that cannot be recovered, and why. */
export interface UnrecoverableWeight {
  readonly name: string;
  readonly reason: string;
}

const ADJUSTABLE: ReadonlySet<string> = new Set(["float32", "float64", "float16", "bfloat16"]);

/**
 * The weights that `pruneInStages` refuses: those whose inputs cannot be had, and those of a type that new values cannot be stored in.
 *
 * @param mask as in `RunOptions`
 * @throws {StatisticsError} `bad-option` when the mask is no input `[batch, seq]` of the model
 */
export function unrecoverableWeights(
  model: Model,
  weights: readonly PrunableWeight[],
  mask?: string,
): readonly UnrecoverableWeight[] {
  const quantized = weights
    .filter(({ dtype }) => !ADJUSTABLE.has(dtype))
    .map(({ name, dtype }) => ({
      name,
      reason: `its kept entries cannot be adjusted, because they are stored as ${dtype}`,
    }));
  const refused = new Set(quantized.map(({ name }) => name));
  const others = weights.filter(({ name }) => !refused.has(name));
  return [...quantized, ...layOutInputs(model, others, mask === undefined ? {} : { mask }).unsupported];
}

/** @throws {RecoverError} `unsupported` with every weight that is refused, and why */
export function requireRecoverable(model: Model, weights: readonly PrunableWeight[], mask: string | undefined): void {
  const refused = unrecoverableWeights(model, weights, mask);
  const [first] = refused;
  if (first === undefined) return;
  const list = refused.map(({ name, reason }) => `"${name}": ${reason}`).join("; ");
  const message = `${refused.length} of ${weights.length} weights cannot be recovered: ${list}. Exclude them`;
  throw new RecoverError("unsupported", message, { weight: first.name });
}
