import { conforms, type Pattern, type PruningStep, prunedCount, sparsityStep } from "@espalier/core";
import { countZeros } from "@espalier/onnx";
import type { VerifyContext } from "../verify-context.js";
import type { WeightPair } from "../weight-pairs.js";
import { type CheckDefinition, counted, type Finding, noneAllowed, skipped } from "./check-definition.js";
import { demandedPattern } from "./recorded-pattern.js";

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
    const unread = unreadIn(context);
    if (context.judgedWeights.length === 0 && unread.length === 0) return nothingPruned(given);
    const { demands, unknown } = demandsOf(context);
    if (unknown !== undefined) return skipped(`${unknown}: give a pattern`);
    if (demands.length + unread.length === 0)
      return skipped("the pruning record names none of the chosen weights: give a pattern");
    const violations = [
      ...unread,
      ...violationsIn(demands),
      ...violationsAcross(context, demands),
      ...violationsOfAllocations(context, demands),
    ];
    const specs = [...new Set(demands.map((demand) => demand.pattern.spec))].join(", ");
    const total = counted(demands.length + unread.length, "weight");
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

/** Weights that must have a pattern and whose numbers are not known. */
function unreadIn({ options, steps, reading }: VerifyContext): string[] {
  const named = new Set(steps.flatMap(({ weights }) => weights));
  const isJudged = options.weights ?? ((name: string) => named.has(name));
  return reading.unread
    .filter(({ name }) => isJudged(name))
    .map(({ name, reason }) => `weight "${name}" cannot be read from the pruned model: ${reason}`);
}

function demandsOf(context: VerifyContext): { demands: Demand[]; unknown?: string } {
  const demands: Demand[] = [];
  for (const pair of context.judgedWeights) {
    const pattern = demandedPattern(context, pair.name);
    if (pattern !== undefined) {
      demands.push({ pair, pattern });
      continue;
    }
    // The check `record` names weights that changed behind the record's back.
    const step = context.steps.findLast(({ weights }) => weights.includes(pair.name));
    if (step !== undefined) return { demands, unknown: `the record's pattern "${step.pattern}" is not known here` };
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
function* violationsAcross(context: VerifyContext, demands: readonly Demand[]): Generator<string> {
  const together = demands.filter((demand) => demand.pattern.group === "model");
  for (const sparsity of new Set(together.map((demand) => demand.pattern.sparsity))) {
    const ranked = together.filter((demand) => demand.pattern.sparsity === sparsity);
    yield* missingTogether(context, ranked, sparsity, 1);
  }
}

/**
 * Weights among which an allocation divided a sparsity have it together, to within a step: a record that allots each of them
 * little must not pass for one of much. Only where steps are certain; tiles at an edge are smaller than others.
 */
function* violationsOfAllocations(context: VerifyContext, demands: readonly Demand[]): Generator<string> {
  const steps = new Set(
    demands.map(({ pair }) => context.steps.findLast(({ weights }) => weights.includes(pair.name))),
  );
  for (const step of steps) {
    if (step?.sparsities === undefined || step.pattern !== "unstructured") continue;
    const allotted = demandsOfStep(demands, step);
    // Of weights that were not all judged, or were pruned further since, nothing is known together.
    if (allotted.length < step.weights.length) continue;
    const largest = Math.max(...allotted.map(({ pair, pattern }) => sparsityStep(pair.pruned, pattern)));
    yield* missingTogether(context, allotted, step.sparsity, largest);
  }
}

function demandsOfStep(demands: readonly Demand[], { weights }: PruningStep): Demand[] {
  const names = new Set(weights);
  return demands.filter(({ pair, pattern }) => names.has(pair.name) && pattern.spec === "unstructured");
}

/** @param step zeros that may be missing all but one */
function* missingTogether(
  { reading }: VerifyContext,
  demands: readonly Demand[],
  sparsity: number,
  step: number,
): Generator<string> {
  const counts = demands.map(({ pair }) => countZeros(reading.model, pair.pruned));
  const zeros = counts.reduce((sum, count) => sum + count.zeros, 0);
  const total = counts.reduce((sum, count) => sum + count.total, 0);
  const expected = prunedCount(total, sparsity);
  if (zeros > expected - step) return;
  const names = demands.map(({ pair }) => `"${pair.name}"`).join(", ");
  yield `weights ${names} together: ${zeros} of ${total} entries are zero, sparsity ${sparsity} asks for ${expected}`;
}
