import type { Share } from "./allocation.js";
import { shiftToTotal } from "./shift-to-total.js";

/** What adding up doubles may leave of a step: less is no rest, and that much less than a step is one. */
const SLACK = 1e-6;

/** A share and how many steps of it go. */
interface Rounded {
  readonly share: Share;
  /** What should go, in units of cost. */
  readonly amount: number;
  steps: number;
}

/**
 * Rounds amounts to whole steps that add up to the goal. Weights with the largest steps are rounded first, those of one step
 * size by largest remainder (the earlier weight first among equals), and what they leave over goes to the next smaller step.
 * The total is therefore met to within half the smallest step; exactly where a weight with step 1 has room. Only where the
 * weights with small steps are too small for the rest, it may be further off, but never above by more than one step.
 *
 * @param amounts in the order of `shares`
 * @returns whole steps that go, each in [0, mostSteps]
 */
export function wholeSteps(shares: readonly Share[], amounts: readonly number[], goal: number): number[] {
  const all = shares.map((share, index): Rounded => ({ share, amount: amounts[index]!, steps: 0 }));
  const sizes = [...new Set(shares.map(({ step }) => step))].sort((a, b) => b - a);
  // What strategies could not place is for those who can do it most exactly.
  const unplaced = goal - amounts.reduce((sum, amount) => sum + amount, 0);
  let carry = 0;
  for (const size of sizes) {
    const group = all.filter(({ share }) => share.step === size);
    const wanted = group.reduce((sum, { amount }) => sum + amount, carry) + (size === sizes.at(-1) ? unplaced : 0);
    carry = wanted - size * roundGroup(group, wanted / size);
  }
  placeRest(all, carry);
  return all.map(({ steps }) => steps);
}

/** Gives weights of one step size as many steps as are wanted, to the nearest; returns how many that are. */
function roundGroup(group: readonly Rounded[], wanted: number): number {
  const room = group.reduce((sum, { share }) => sum + share.mostSteps, 0);
  const count = Math.min(Math.max(Math.ceil(wanted - 0.5), 0), room);
  const quantities = group.map(({ share, amount }) => {
    return { value: amount / share.step, most: share.mostSteps, weight: share.steps };
  });
  const exact = shiftToTotal(quantities, count);
  for (const [index, rounded] of group.entries()) rounded.steps = Math.floor(exact[index]!);
  const byRemainder = [...group.keys()].sort((a, b) => (exact[b]! % 1) - (exact[a]! % 1) || a - b);
  let missing = count - group.reduce((sum, { steps }) => sum + steps, 0);
  for (let turn = 0; missing !== 0; turn = (turn + 1) % byRemainder.length) {
    const rounded = group[byRemainder[turn]!]!;
    const direction = Math.sign(missing);
    if (!hasRoom(rounded, direction)) continue;
    rounded.steps += direction;
    missing -= direction;
  }
  return count;
}

/**
 * What the smallest steps could not take goes to larger ones: as far as it fills them, then one step too many where finer
 * weights give so much back that the total comes nearer.
 */
function placeRest(all: readonly Rounded[], carry: number): void {
  const coarsestFirst = all.toSorted((a, b) => b.share.step - a.share.step);
  const rest = fillSteps(coarsestFirst, carry);
  const direction = Math.sign(rest);
  for (let index = coarsestFirst.length - 1; index >= 0; index--) {
    const rounded = coarsestFirst[index]!;
    const finer = coarsestFirst.slice(index + 1);
    const surplus = rest - direction * rounded.share.step;
    const remaining = fillSteps(
      finer.map((each) => ({ ...each })),
      surplus,
    );
    const isNearer = Math.abs(remaining) < Math.abs(rest) - SLACK * rounded.share.step;
    if (!isNearer || !hasRoom(rounded, direction)) continue;
    rounded.steps += direction;
    fillSteps(finer, surplus);
    return;
  }
}

/** Moves whole steps, none beyond the amount; returns what is left of it. */
function fillSteps(coarsestFirst: readonly Rounded[], amount: number): number {
  const direction = Math.sign(amount);
  let rest = amount;
  for (const rounded of coarsestFirst) {
    const { share } = rounded;
    const room = direction > 0 ? share.mostSteps - rounded.steps : rounded.steps;
    const steps = Math.min(room, Math.floor(Math.abs(rest) / share.step + SLACK));
    rounded.steps += direction * steps;
    rest -= direction * steps * share.step;
  }
  return rest;
}

function hasRoom({ share, steps }: Rounded, direction: number): boolean {
  return direction > 0 ? steps < share.mostSteps : steps > 0;
}
