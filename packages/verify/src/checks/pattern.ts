import { conforms, type Pattern, prunedCount } from "@espalier/core";
import { countZeros } from "@espalier/onnx";
import type { VerifyContext } from "../verify-context.js";
import type { WeightPair } from "../weight-pairs.js";
import { type CheckDefinition, counted, type Finding, noneAllowed, skipped } from "./check-definition.js";
import { recordedPattern, withRecordedGroup } from "./recorded-pattern.js";

/** A weight and the pattern it must have. */
interface Demand {
  readonly pair: WeightPair;
  readonly pattern: Pattern;
}

/** Every pruned weight has the zeros that its pattern promises, along the axes of the operator that consumes it. */
export const pattern: CheckDefinition = {
  name: "pattern",
  run(context) {
    const given = context.options.pattern;
    if (given === undefined && context.steps.length === 0) {
      return skipped("no pattern was given and the pruned model has no readable pruning record: give a pattern");
    }
    if (context.judgedWeights.length === 0) return nothingPruned(given);
    const { demands, unknown } = demandsOf(context);
    if (unknown !== undefined) return skipped(`${unknown}: give a pattern`);
    if (demands.length === 0) return skipped("the pruning record names none of the chosen weights: give a pattern");
    const violations = [...violationsIn(demands), ...violationsAcross(context, demands)];
    const specs = [...new Set(demands.map((demand) => demand.pattern.spec))].join(", ");
    const total = counted(demands.length, "weight");
    return noneAllowed(
      violations.length,
      `${total} conform${demands.length === 1 ? "s" : ""} to ${specs}`,
      `${violations[0]}; ${violations.length} of ${total} break${violations.length === 1 ? "s" : ""} the pattern`,
    );
  },
};

/** A pattern that was asked for and is nowhere is a failure: a build must not pass because pruning did nothing. */
function nothingPruned(given: Pattern | undefined): Finding {
  if (given === undefined) return skipped("no weight was pruned");
  return { status: "failed", measured: null, limit: 0, message: `no weight was pruned, expected ${given.spec}` };
}

function demandsOf({ options, steps, judgedWeights }: VerifyContext): { demands: Demand[]; unknown?: string } {
  const demands: Demand[] = [];
  for (const pair of judgedWeights) {
    const step = steps.findLast(({ weights }) => weights.includes(pair.name));
    if (options.pattern !== undefined) {
      demands.push({ pair, pattern: withRecordedGroup(options.pattern, step) });
      continue;
    }
    if (step === undefined) continue; // the check `record` names weights that changed behind the record's back
    const recorded = recordedPattern(step);
    if (recorded === undefined) return { demands, unknown: `the record's pattern "${step.pattern}" is not known here` };
    demands.push({ pair, pattern: recorded });
  }
  return { demands };
}

function* violationsIn(demands: readonly Demand[]): Generator<string> {
  for (const { pair, pattern } of demands) {
    const verdict = conforms(pair.pruned.read(), pair.pruned, pattern);
    if (!verdict.ok) yield `weight "${pair.name}" (${pattern.spec}): ${verdict.message}`;
  }
}

/** Weights that were ranked together have their zeros together: one of them alone may have fewer. */
function* violationsAcross({ options }: VerifyContext, demands: readonly Demand[]): Generator<string> {
  const together = demands.filter((demand) => demand.pattern.group === "model");
  for (const sparsity of new Set(together.map((demand) => demand.pattern.sparsity))) {
    let [zeros, total] = [0, 0];
    for (const { pair } of together.filter((demand) => demand.pattern.sparsity === sparsity)) {
      const count = countZeros(options.pruned, pair.pruned);
      zeros += count.zeros;
      total += count.total;
    }
    const expected = prunedCount(total, sparsity);
    if (zeros < expected) {
      const names = together.map(({ pair }) => `"${pair.name}"`).join(", ");
      yield `weights ${names} together: ${zeros} of ${total} entries are zero, sparsity ${sparsity} asks for ${expected}`;
    }
  }
}
