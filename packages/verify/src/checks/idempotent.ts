import {
  type Criterion,
  computeMasks,
  isCoreError,
  l1,
  type Mask,
  type MaskRequest,
  type PruningStep,
  parseCriterion,
  type WeightMask,
} from "@espalier/core";
import { tensorBytes } from "@espalier/onnx";
import { auditPruned } from "../audit-entries.js";
import { elementBits, indexText } from "../elements.js";
import type { VerifyContext } from "../verify-context.js";
import type { WeightPair } from "../weight-pairs.js";
import { type CheckDefinition, counted, type Finding, noneAllowed, skipped } from "./check-definition.js";
import { recordedPattern } from "./recorded-pattern.js";

/** Pruning the pruned model again, with the options of the record's last step, changes nothing. */
export const idempotent: CheckDefinition = {
  name: "idempotent",
  run(context) {
    const step = context.steps.at(-1);
    if (step === undefined) return skipped("the pruned model has no readable pruning record to repeat");
    const names = new Set(step.weights);
    const pairs = context.weights.filter(({ name }) => names.has(name));
    if (pairs.length < names.size)
      return skipped("the record names weights that cannot be read: see the checks record and kept-weights");
    return repeat(context, step, pairs);
  },
};

function repeat(context: VerifyContext, step: PruningStep, pairs: readonly WeightPair[]): Finding {
  const criterion = recordedCriterion(step);
  if (criterion === undefined) return skipped(`the record's criterion "${step.criterion}" is not known here`);
  if (pairs.some(({ name }) => recordedPattern(step, name) === undefined)) {
    return skipped(`the record's pattern "${step.pattern}" is not known here`);
  }
  const { statistics } = context.options;
  if (criterion.needsStatistics && statistics === undefined) {
    return skipped(`${criterion.name} needs the statistics it was pruned with: give them`);
  }
  try {
    const masks = masksAgain(step, pairs, { criterion, ...(statistics !== undefined && { statistics }) });
    return judge(context, step, pairs, (name) => masks.get(name)!.mask);
  } catch (error) {
    if (!isCoreError(error)) throw error;
    return { status: "failed", measured: null, limit: 0, message: `pruning again is refused: ${error.message}` };
  }
}

/** Weights of one sparsity are pruned together, as a ranking over the whole model needs it; others each by itself. */
function masksAgain(
  step: PruningStep,
  pairs: readonly WeightPair[],
  request: Omit<MaskRequest, "pattern">,
): Map<string, WeightMask> {
  const runs = step.sparsities === undefined ? [pairs] : pairs.map((pair) => [pair]);
  return new Map(
    runs.flatMap((run) => {
      const pattern = run[0] && recordedPattern(step, run[0].name);
      if (pattern === undefined) return [];
      return [
        ...computeMasks(
          run.map(({ pruned }) => pruned),
          { ...request, pattern },
        ),
      ];
    }),
  );
}

function isByZeros({ criterion, recover }: PruningStep): boolean {
  return criterion === "obs" || recover !== undefined;
}

/**
 * The criterion by name. What `obs` or a recovery chose takes the inputs that they saw in a model that was half pruned; but all
 * of them find zeros first, so any criterion that does shows whether the masks are fixed points.
 */
function recordedCriterion(step: PruningStep): Criterion | undefined {
  if (isByZeros(step)) return l1();
  const { criterion, seed } = step;
  try {
    return parseCriterion(criterion, seed);
  } catch (error) {
    if (!isCoreError(error)) throw error;
    return undefined;
  }
}

function judge(
  { reading }: VerifyContext,
  step: PruningStep,
  pairs: readonly WeightPair[],
  maskOf: (name: string) => Mask,
): Finding {
  let changes = 0;
  let first: string | undefined;
  for (const { name, pruned } of pairs) {
    const bits = elementBits(pruned.tensor, tensorBytes(reading.model, pruned.tensor));
    const audit = auditPruned(pruned, bits, maskOf(name));
    changes += audit.count;
    if (audit.count > 0) first ??= `weight "${name}" ${indexText(audit.first, pruned.shape)}`;
  }
  const allocation = step.allocation === undefined ? "" : ` by ${step.allocation}`;
  const again = `${step.criterion}, ${step.pattern}, sparsity ${step.sparsity}${allocation}`;
  const how = isByZeros(step) ? " and finding zeros first" : "";
  return noneAllowed(
    changes,
    `pruning again (${again})${how} changes nothing in ${counted(pairs.length, "weight")}`,
    `pruning again (${again})${how} would change ${counted(changes, "entry", "entries")}, first of ${first}`,
  );
}
