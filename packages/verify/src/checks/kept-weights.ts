import { tensorBytes } from "@espalier/onnx";
import { elementBits, hex, indexText, zeroBits } from "../elements.js";
import type { VerifyContext } from "../verify-context.js";
import type { WeightPair } from "../weight-pairs.js";
import { type CheckDefinition, counted, noneAllowed } from "./check-definition.js";

/** What happened to the entries of one weight. */
interface Audit {
  /** Entries that became zero. */
  readonly pruned: number;
  /** Entries that became something else than zero. */
  readonly wrong: number;
  /** The first of those, as one sentence. */
  readonly first?: string;
}

/** Every entry of every prunable weight is the original's bit for bit, or +0 (the zero point of a quantised weight). */
export const keptWeights: CheckDefinition = {
  name: "kept-weights",
  run(context) {
    const changed = context.weights.filter((pair) => pair.changed);
    let [pruned, wrong] = [0, 0];
    let first: string | undefined;
    for (const pair of changed) {
      const audit = auditWeight(context, pair);
      pruned += audit.pruned;
      wrong += audit.wrong;
      first ??= audit.first;
    }
    return noneAllowed(
      wrong,
      `${counted(pruned, "entry", "entries")} of ${counted(changed.length, "weight")} became zero, all others are the original's bit for bit`,
      `${first}; ${wrong} such in all. A kept entry must be the original's bit for bit, a pruned one +0`,
    );
  },
};

function auditWeight({ options }: VerifyContext, { name, original, pruned }: WeightPair): Audit {
  const was = elementBits(original.tensor, tensorBytes(options.original, original.tensor));
  const is = elementBits(pruned.tensor, tensorBytes(options.pruned, pruned.tensor));
  const zero = zeroBits(original, was);
  let [zeroed, wrong] = [0, 0];
  let first: number | undefined;
  for (let index = 0; index < was.length; index++) {
    if (is[index] === was[index]) continue;
    if (is[index] === zero(index)) zeroed++;
    else {
      wrong++;
      first ??= index;
    }
  }
  if (first === undefined) return { pruned: zeroed, wrong };
  const place = indexText(first, pruned.shape);
  return {
    pruned: zeroed,
    wrong,
    first: `weight "${name}" ${place}: bits ${hex(was, first)} became ${hex(is, first)}`,
  };
}
