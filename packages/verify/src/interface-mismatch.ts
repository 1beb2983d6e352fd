import { describeType, type Runner, type ValueInfo } from "@espalier/runtime";

/**
 * The first input or output by which two models cannot take each other's place: one that only one of them has, or whose
 * dtype or rank differs. Sizes are left to the runs.
 *
 * @returns a sentence about the pruned model, or undefined
 */
export function interfaceMismatch(original: Runner, pruned: Runner): string | undefined {
  return (
    valuesMismatch("input", original.inputs, pruned.inputs) ??
    valuesMismatch("output", original.outputs, pruned.outputs)
  );
}

function valuesMismatch(kind: string, before: readonly ValueInfo[], after: readonly ValueInfo[]): string | undefined {
  const found = new Map(after.map((value) => [value.name, value]));
  for (const value of before) {
    const other = found.get(value.name);
    if (other === undefined) return `the pruned model has no ${kind} "${value.name}": it has ${namesOf(after)}`;
    // No dims may also mean that the model does not state them.
    const ranked = value.dims.length > 0 && other.dims.length > 0 && value.dims.length !== other.dims.length;
    if (other.dtype !== value.dtype || ranked) {
      return `the pruned model's ${kind} "${value.name}" is ${describeType(other)}, the original's ${describeType(value)}`;
    }
  }
  const known = new Set(before.map(({ name }) => name));
  const extra = after.find(({ name }) => !known.has(name));
  return extra && `the pruned model has one more ${kind}, "${extra.name}": the original has ${namesOf(before)}`;
}

function namesOf(values: readonly ValueInfo[]): string {
  return values.map(({ name }) => `"${name}"`).join(", ") || "none";
}
