import type { PruningStep } from "@espalier/core";
import { tensorBytes } from "@espalier/onnx";
import { auditKept } from "../audit-entries.js";
import { elementBits, hex, indexText } from "../elements.js";
import type { VerifyContext } from "../verify-context.js";
import type { WeightPair } from "../weight-pairs.js";
import { type CheckDefinition, counted, noneAllowed } from "./check-definition.js";

/** What became of the entries of some weights. */
interface Audit {
  readonly zeroed: number;
  /** Entries that stayed and have other values. */
  readonly moved: number;
  /** Entries that stayed. */
  readonly kept: number;
  /** What is wrong, with its place: a kept entry that moved where none may, or one that is no number. */
  readonly finding?: string;
}

/**
 * Every entry of every prunable weight is the original's bit for bit, or +0 (the zero point of a quantised weight). Where the
 * record says that weights were recovered, what is not +0 may have any finite value.
 */
export const keptWeights: CheckDefinition = {
  name: "kept-weights",
  run(context) {
    const changed = context.weights.filter((pair) => pair.changed);
    const recovered = changed.filter(({ name }) => isRecovered(context.newSteps, name));
    const names = new Set(recovered.map(({ name }) => name));
    const strict = changed.filter(({ name }) => !names.has(name)).map((pair) => auditWeight(context, pair));
    const free = recovered.map((pair) => auditRecovered(context, pair));
    const wrong = sum(strict, "moved") + free.filter(({ finding }) => finding).length;
    const first = [...strict, ...free].find(({ finding }) => finding)?.finding;
    const zeroed = counted(sum([...strict, ...free], "zeroed"), "entry", "entries");
    return noneAllowed(
      wrong,
      `${zeroed} of ${counted(changed.length, "weight")} became zero, ${describeKept(context.newSteps, recovered, free)}`,
      `${first}; ${wrong} such in all. A kept entry must be the original's bit for bit, a pruned one +0`,
    );
  },
};

/** Whether a step changed what it kept of a weight, and says so; `bias` leaves weights alone. */
function isRecovered(steps: readonly PruningStep[], name: string): boolean {
  return methodsOf(steps, name).length > 0;
}

function methodsOf(steps: readonly PruningStep[], name: string): string[] {
  return steps.flatMap(({ weights, recover }) =>
    recover !== undefined && recover !== "bias" && weights.includes(name) ? [recover] : [],
  );
}

function describeKept(steps: readonly PruningStep[], recovered: readonly WeightPair[], free: readonly Audit[]): string {
  if (recovered.length === 0) return "all others are the original's bit for bit";
  const methods = [...new Set(recovered.flatMap(({ name }) => methodsOf(steps, name)))].join(", ");
  const share = ((100 * sum(free, "moved")) / Math.max(1, sum(free, "kept"))).toFixed(1);
  return `of those kept in ${counted(recovered.length, "weight")} ${share} % changed as recorded (${methods}), all others are the original's bit for bit`;
}

function auditWeight({ options }: VerifyContext, { name, original, pruned }: WeightPair): Audit {
  const was = elementBits(original.tensor, tensorBytes(options.original, original.tensor));
  const is = elementBits(pruned.tensor, tensorBytes(options.pruned, pruned.tensor));
  const { zeroed, wrong: moved, first } = auditKept(original, was, is);
  const kept = is.length - zeroed;
  if (moved === 0) return { zeroed, moved, kept };
  const place = `weight "${name}" ${indexText(first, pruned.shape)}`;
  return { zeroed, moved, kept, finding: `${place}: bits ${hex(was, first)} became ${hex(is, first)}` };
}

function auditRecovered(context: VerifyContext, pair: WeightPair): Audit {
  const { finding: _, ...audit } = auditWeight(context, pair);
  const [was, is] = [pair.original.read(), pair.pruned.read()];
  let zeros = 0;
  for (let index = 0; index < is.length; index++) {
    if (is[index] === 0) zeros++;
    if (isNumber(is[index]!, was[index]!)) continue;
    const value = Object.is(is[index], -0) ? "-0" : is[index];
    return { ...audit, finding: `weight "${pair.name}" ${indexText(index, pair.pruned.shape)} is ${value}` };
  }
  return { ...audit, kept: is.length - zeros };
}

/** Whether a recovered entry is finite, and +0 if it became zero. */
function isNumber(is: number, was: number): boolean {
  return Number.isFinite(is) && !(Object.is(is, -0) && !Object.is(was, -0));
}

function sum(audits: readonly Audit[], part: "zeroed" | "moved" | "kept"): number {
  return audits.reduce((total, audit) => total + audit[part], 0);
}
