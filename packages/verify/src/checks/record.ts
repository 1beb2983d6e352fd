import { createHash } from "node:crypto";
import { type PruningStep, weightsDigestChunks } from "@espalier/core";
import { prunableWeights, tensorByteLength, tensorChunks } from "@espalier/onnx";
import type { VerifyContext } from "../verify-context.js";
import { type CheckDefinition, counted, noneAllowed, skipped } from "./check-definition.js";

/**
 * The pruning record tells the truth about the two models: it can be read, it names weights that exist and every weight
 * that changed, and its first new step started from the original given.
 */
export const record: CheckDefinition = {
  name: "record",
  run(context) {
    if (context.record === undefined) return skipped("the pruned model has no pruning record");
    if (!context.record.ok) return noneAllowed(1, "", `the pruning record cannot be read: ${context.record.problem}`);
    const problems = [
      ...unknownWeights(context),
      ...unknownTensors(context),
      ...unrecordedWeights(context),
      ...wrongOriginal(context),
    ];
    const count = context.newSteps.length;
    return noneAllowed(
      problems.length,
      count === 0
        ? "the record tells of nothing new, and nothing changed"
        : `${counted(count, "step")} from this original`,
      problems.slice(0, 3).join("; "),
    );
  },
};

function* unknownTensors({ reading, newSteps }: VerifyContext): Generator<string> {
  const changed = new Set(newSteps.flatMap(({ changedTensors }) => changedTensors ?? []));
  if (changed.size === 0) return;
  const weights = new Map(prunableWeights(reading.model).map((weight) => [weight.name, weight]));
  for (const name of changed) {
    const weight = weights.get(name);
    if (weight === undefined) yield `the record calls "${name}" changed, which is no constant of the pruned model`;
    else if (weight.prunable) yield `the record calls "${name}" changed besides the weights, but it is one`;
  }
}

/** What cannot be read is there all the same: the check `kept-weights` tells of it. */
function* unknownWeights({ steps, weights, reading }: VerifyContext): Generator<string> {
  const known = new Set([...weights, ...reading.unread].map(({ name }) => name));
  for (const name of new Set(steps.flatMap((step) => step.weights))) {
    if (!known.has(name)) yield `the record names "${name}", which is no prunable weight of both models`;
  }
}

function* unrecordedWeights({ newSteps, weights }: VerifyContext): Generator<string> {
  const recorded = new Set(newSteps.flatMap((step) => step.weights));
  for (const { name, changed } of weights) {
    if (changed && !recorded.has(name)) yield `weight "${name}" changed, and no step of the record names it`;
  }
}

/** Only the first new step can be checked: what later ones started from is gone. */
function* wrongOriginal(context: VerifyContext): Generator<string> {
  const [first] = context.newSteps;
  if (first === undefined || digestOriginal(context, first) === first.originalWeights) return;
  yield `the record says that pruning started from other weights (${first.originalWeights.slice(0, 19)}…): this is not its original`;
}

function digestOriginal({ options }: VerifyContext, step: PruningStep): string {
  const names = new Set(step.weights);
  const hash = createHash("sha256");
  const originals = prunableWeights(options.original)
    .filter(({ name, prunable }) => prunable && names.has(name))
    .map(({ name, tensor }) => {
      return { name, byteLength: tensorByteLength(tensor), bytes: () => tensorChunks(options.original, tensor) };
    });
  for (const chunk of weightsDigestChunks(originals)) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}
