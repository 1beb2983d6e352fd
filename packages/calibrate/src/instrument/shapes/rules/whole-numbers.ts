import { type Dim, fixed, product, sizeOf } from "../dim.js";
import type { Entries } from "../known-value.js";
import type { Rule, RuleInput } from "../rule.js";
import type { Symbols } from "../symbols.js";
import { broadcasting } from "./elementwise.js";

/** Shape: the sizes themselves, since version 15 perhaps only some of them. */
export const shapeOf: Rule = ({ shape, int }) => {
  const x = shape(0);
  if (x === undefined) return [];
  const values = x.slice(int("start", 0), int("end", x.length));
  return [{ shape: [fixed(values.length)], entries: { values, scalar: false } }];
};

/** Size: their product. */
export const sizeOfAll: Rule = ({ shape }) => {
  const x = shape(0);
  return [{ shape: [], ...(x && { entries: { values: [product(...x)], scalar: true } }) }];
};

/** Identity and Cast: everything that is known stays. */
export const unchanged: Rule = ({ value }) => [value(0)];

/** ReduceProd of a list of sizes, which exporters write to flatten. */
export const productOfEntries = ({ entries, int }: RuleInput): Entries | undefined => {
  const list = entries(0);
  return list && { values: [product(...list.values)], scalar: int("keepdims", 1) === 0 };
};

/** An operator on numbers, as sizes are computed with. */
type Arithmetic = (a: Dim, b: Dim, symbols: Symbols) => Dim;

/** Add, Sub, Mul and Div, which also compute sizes. */
export function arithmetic(compute: Arithmetic): Rule {
  return (input) => {
    const [known] = broadcasting(input);
    const [a, b] = [input.entries(0), input.entries(1)];
    if (known === undefined || a === undefined || b === undefined) return [known];
    const length = Math.max(a.values.length, b.values.length);
    const at = ({ values }: Entries, index: number) => (values.length === 1 ? values[0]! : values[index]);
    const values: Dim[] = [];
    for (let index = 0; index < length; index++) {
      const [left, right] = [at(a, index), at(b, index)];
      if (left === undefined || right === undefined) return [known];
      values.push(compute(left, right, input.symbols));
    }
    return [{ ...known, entries: { values, scalar: a.scalar && b.scalar } }];
  };
}

/** `a · b`. */
export const times: Arithmetic = (a, b) => product(a, b);

/** `a + b`. */
export const plus: Arithmetic = (a, b, symbols) => computed("add", a, b, symbols, (x, y) => x + y);

/** `a − b`. */
export const minus: Arithmetic = (a, b, symbols) => computed("subtract", a, b, symbols, (x, y) => x - y);

/** `a / b` towards 0, exact where the factors of b are among those of a. */
export const over: Arithmetic = (a, b, symbols) => {
  const rest = [...a];
  for (const factor of b) {
    const same = rest.indexOf(factor);
    const multiple = rest.findIndex(
      (one) => typeof one === "number" && typeof factor === "number" && one % factor === 0,
    );
    if (same >= 0) rest.splice(same, 1);
    else if (multiple >= 0) rest[multiple] = (rest[multiple] as number) / (factor as number);
    else return computed("divide", a, b, symbols, (x, y) => Math.trunc(x / y));
  }
  return product(rest);
};

function computed(rule: string, a: Dim, b: Dim, symbols: Symbols, compute: (x: number, y: number) => number): Dim {
  const [x, y] = [sizeOf(a), sizeOf(b)];
  if (y === 0 && rule !== "divide") return a;
  return x !== undefined && y !== undefined ? fixed(compute(x, y)) : symbols.derived(rule, [a, b]);
}
