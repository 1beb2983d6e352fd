import { createHash } from "node:crypto";
import { encodeModel, externalDataFiles, type Model } from "@espalier/onnx";
import { type CheckDefinition, noneAllowed } from "./check-definition.js";

/** Pruning the original again gives the pruned model's bytes with one worker and with several; pruning that once more changes none. */
export const repeatable: CheckDefinition = {
  name: "repeatable",
  isAskedFor: ({ prune }) => prune !== undefined,
  async run({ options }) {
    const { original, pruned } = options;
    const { again, workers, onceMore } = options.prune!;
    const expected = digest(pruned);
    const runs = [
      { what: "with 1 worker", bytes: digest(await again(original, 1)) },
      { what: `with ${workers} workers`, bytes: digest(await again(original, workers)) },
      ...(onceMore ? [{ what: "of the pruned model once more", bytes: digest(await again(pruned, 1)) }] : []),
    ];
    const others = runs.filter(({ bytes }) => bytes !== expected).map(({ what }) => what);
    const same = onceMore
      ? ", and pruning the pruned model changes nothing"
      : "; recovery moves on when it is repeated, so it was not";
    return noneAllowed(
      others.length,
      `pruning the original again gives the same bytes with 1 and ${workers} workers${same}`,
      `pruning again gives other bytes than the pruned model's: ${others.join(", ")}`,
    );
  },
};

/** Of all files of a model, one at a time in memory. */
function digest(model: Model): string {
  const hash = createHash("sha256").update(encodeModel(model));
  for (const [name, read] of externalDataFiles(model)) hash.update(`\0${name}\0`).update(read());
  return hash.digest("hex");
}
