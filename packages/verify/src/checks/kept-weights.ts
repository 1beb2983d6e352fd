import { tensorBytes } from "@espalier/onnx";
import { auditKept } from "../audit-entries.js";
import { elementBits, hex, indexText } from "../elements.js";
import type { VerifyContext } from "../verify-context.js";
import type { WeightPair } from "../weight-pairs.js";
import { type CheckDefinition, counted, noneAllowed } from "./check-definition.js";

/** Every entry of every prunable weight is the original's bit for bit, or +0 (the zero point of a quantised weight). */
export const keptWeights: CheckDefinition = {
  name: "kept-weights",
  run(context) {
    const changed = context.weights.filter((pair) => pair.changed);
    let [zeroed, wrong] = [0, 0];
    let first: string | undefined;
    for (const pair of changed) {
      const audit = auditWeight(context, pair);
      zeroed += audit.zeroed;
      wrong += audit.wrong;
      first ??= audit.finding;
    }
    const entries = counted(zeroed, "entry", "entries");
    return noneAllowed(
      wrong,
      `${entries} of ${counted(changed.length, "weight")} became zero, all others are the original's bit for bit`,
      `${first}; ${wrong} such in all. A kept entry must be the original's bit for bit, a pruned one +0`,
    );
  },
};

function auditWeight({ options }: VerifyContext, { name, original, pruned }: WeightPair) {
  const was = elementBits(original.tensor, tensorBytes(options.original, original.tensor));
  const is = elementBits(pruned.tensor, tensorBytes(options.pruned, pruned.tensor));
  const { zeroed, wrong, first } = auditKept(original, was, is);
  if (wrong === 0) return { zeroed, wrong };
  const place = `weight "${name}" ${indexText(first, pruned.shape)}`;
  return { zeroed, wrong, finding: `${place}: bits ${hex(was, first)} became ${hex(is, first)}` };
}
