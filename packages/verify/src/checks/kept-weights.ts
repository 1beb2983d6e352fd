import type { PruningStep } from "@espalier/core";
import { tensorBytes } from "@espalier/onnx";
import { auditKept } from "../audit-entries.js";
import { elementBits, hex, indexText } from "../elements.js";
import type { Reading } from "../reading/reading.js";
import { listText } from "../list-text.js";
import { auditRounded, type Rounding, roundingOf } from "../reading/rounding.js";
import type { VerifyContext } from "../verify-context.js";
import type { WeightPair } from "../weight-pairs.js";
import { type CheckDefinition, counted, figure, noneAllowed } from "./check-definition.js";

/** What became of the entries of some weights. */
interface Audit {
  readonly zeroed: number;
  /** Entries that stayed and have other values. */
  readonly moved: number;
  /** Entries that stayed. */
  readonly kept: number;
  /** How many are wrong: kept entries that moved where none may, or that are no numbers. */
  readonly wrong: number;
  /** The first of those, with its place. */
  readonly finding?: string;
  /** What its encoding does to numbers; absent where it keeps them. */
  readonly rounding?: Rounding;
  /** With `rounding`: the largest distance of an entry from what it was. */
  readonly largest?: number;
}

/**
 * Every entry of every prunable weight is the original's bit for bit, or +0 (the zero point of a quantised weight). Where it is
 * stored as float16 or int8, it is at most as far from the original's as that rounds. Where the record says that weights were
 * recovered, what is not +0 may have any finite value.
 */
export const keptWeights: CheckDefinition = {
  name: "kept-weights",
  run(context) {
    const changed = context.weights.filter((pair) => pair.changed);
    const recovered = changed.filter(({ name }) => isRecovered(context.newSteps, name));
    const names = new Set(recovered.map(({ name }) => name));
    const strict = changed.filter(({ name }) => !names.has(name)).map((pair) => auditWeight(context, pair));
    const free = recovered.map((pair) => auditRecovered(context, pair));
    const audits = [...strict, ...free];
    const unread = context.reading.unread.map(
      ({ name, reason }) => `weight "${name}" cannot be read from the pruned model: ${reason}`,
    );
    const wrong = sum(audits, "wrong") + unread.length;
    const first = unread[0] ?? audits.find(({ finding }) => finding)?.finding;
    const zeroed = counted(sum(audits, "zeroed"), "entry", "entries");
    return noneAllowed(
      wrong,
      [
        `${zeroed} of ${counted(changed.length, "weight")} became zero`,
        ...describeKept(context, recovered, free, strict),
      ].join(", "),
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

function describeKept(
  { newSteps, reading }: VerifyContext,
  recovered: readonly WeightPair[],
  free: readonly Audit[],
  strict: readonly Audit[],
): string[] {
  const rounded = strict.filter(({ rounding }) => rounding);
  return [
    ...(recovered.length > 0 ? [describeRecovered(newSteps, recovered, free)] : []),
    ...(rounded.length > 0 ? describeRounded(rounded) : []),
    ...describeNarrowed(reading),
    ...(rounded.length === strict.length && rounded.length > 0 ? [] : ["all others are the original's bit for bit"]),
  ];
}

function describeRecovered(
  steps: readonly PruningStep[],
  recovered: readonly WeightPair[],
  free: readonly Audit[],
): string {
  const methods = [...new Set(recovered.flatMap(({ name }) => methodsOf(steps, name)))].join(", ");
  const share = ((100 * sum(free, "moved")) / Math.max(1, sum(free, "kept"))).toFixed(1);
  return `of those kept in ${counted(recovered.length, "weight")} ${share} % changed as recorded (${methods})`;
}

/** Weights that lost channels, which count as zeros. */
function describeNarrowed({ tensors }: Reading): string[] {
  const shapes = [...tensors.values()].flatMap(({ name, dims, original }) =>
    dims !== undefined && dims.length > 1 ? [`"${name}" [${original.dims.join(", ")}] → [${dims.join(", ")}]`] : [],
  );
  return shapes.length === 0 ? [] : [`removed channels taken for zeros in ${listText(shapes)}`];
}

function describeRounded(rounded: readonly Audit[]): string[] {
  return [...new Set(rounded.map(({ rounding }) => rounding!.type))].map((type) => {
    const those = rounded.filter(({ rounding }) => rounding!.type === type);
    const largest = figure(those.reduce((most, one) => Math.max(most, one.largest!), 0));
    return `${counted(those.length, "weight")} stored as ${type} and off by at most ${largest}, each entry by at most ${those[0]!.rounding!.limit}`;
  });
}

function auditWeight(context: VerifyContext, pair: WeightPair): Audit {
  const audit = auditBits(context, pair);
  const { name, original, pruned } = pair;
  const read = context.reading.tensors.get(name);
  if (audit.wrong === 0 || read === undefined || !/^float/.test(pruned.dtype)) return audit;
  const [was, is] = [original.read(), pruned.read()];
  const rounding = roundingOf(pruned, is, read.source, read.constants);
  if (rounding === undefined) return audit;
  const { largest, beyond, first, bound } = auditRounded(pruned, was, is, rounding);
  const counts = { ...countsOf(is, was), moved: audit.moved, wrong: beyond, rounding, largest };
  if (beyond === 0) return counts;
  const moved = `${was[first]} became ${is[first]}, further off than ${rounding.type} rounds (${figure(bound)})`;
  return { ...counts, finding: `weight "${name}" ${indexText(first, pruned.shape)}: ${moved}` };
}

function auditBits({ options, reading }: VerifyContext, { name, original, pruned }: WeightPair): Audit {
  const was = elementBits(original.tensor, tensorBytes(options.original, original.tensor));
  const is = elementBits(pruned.tensor, tensorBytes(reading.model, pruned.tensor));
  const { zeroed, wrong: moved, first } = auditKept(original, was, is);
  const kept = is.length - zeroed;
  if (moved === 0) return { zeroed, moved, kept, wrong: 0 };
  const place = `weight "${name}" ${indexText(first, pruned.shape)}`;
  return {
    zeroed,
    moved,
    kept,
    wrong: moved,
    finding: `${place}: bits ${hex(was, first)} became ${hex(is, first)}`,
  };
}

function auditRecovered(context: VerifyContext, pair: WeightPair): Audit {
  const { finding: _, ...audit } = auditBits(context, pair);
  const [was, is] = [pair.original.read(), pair.pruned.read()];
  const { kept } = countsOf(is, was);
  const index = is.findIndex((value, at) => !isNumber(value, was[at]!));
  if (index < 0) return { ...audit, kept, wrong: 0 };
  const value = Object.is(is[index], -0) ? "-0" : is[index];
  const finding = `weight "${pair.name}" ${indexText(index, pair.pruned.shape)} is ${value}`;
  return { ...audit, kept, wrong: 1, finding };
}

/** Entries that became zero, and those that are not. */
function countsOf(is: ArrayLike<number>, was: ArrayLike<number>): Pick<Audit, "zeroed" | "kept"> {
  const counts = { zeroed: 0, kept: 0 };
  for (let index = 0; index < is.length; index++) {
    if (is[index] !== 0) counts.kept++;
    else if (was[index] !== 0) counts.zeroed++;
  }
  return counts;
}

/** Whether a recovered entry is finite, and +0 if it became zero. */
function isNumber(is: number, was: number): boolean {
  return Number.isFinite(is) && !(Object.is(is, -0) && !Object.is(was, -0));
}

function sum(audits: readonly Audit[], part: "zeroed" | "moved" | "kept" | "wrong"): number {
  return audits.reduce((total, audit) => total + audit[part], 0);
}
