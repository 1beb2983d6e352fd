import type { Mask } from "@espalier/core";
import { type ElementBits, zeroBits } from "./elements.js";

/** A weight as far as its zeros are concerned. */
interface Zeroable {
  readonly zeroAt?: (index: number) => number;
}

/** What became of the entries of a weight. */
export interface KeptAudit {
  /** How many became zero. */
  readonly zeroed: number;
  /** How many became something else than zero. */
  readonly wrong: number;
  /** Buffer index of the first of those; -1 without any. */
  readonly first: number;
}

/**
 * Compares a weight before and after pruning, entry by entry and bit by bit.
 *
 * @param was bit patterns before
 * @param is bit patterns after, as many
 */
export function auditKept(weight: Zeroable, was: ElementBits, is: ElementBits): KeptAudit {
  if (isPlain(weight, was) && isPlain(weight, is)) return auditPlain(signed(was), signed(is));
  const zero = zeroBits(weight, was);
  const audit = { zeroed: 0, wrong: 0, first: -1 };
  for (let index = 0; index < was.length; index++) {
    if (is[index] === was[index]) continue;
    if (is[index] === zero(index)) audit.zeroed++;
    else if (audit.wrong++ === 0) audit.first = index;
  }
  return audit;
}

/** What is common is counted without a branch: among random zeros a processor predicts half of them wrong. */
function auditPlain(was: PlainBits, is: PlainBits): KeptAudit {
  let zeroed = 0;
  let wrong = 0;
  let first = -1;
  for (let index = 0; index < was.length; index++) {
    const before = was[index]!;
    const after = is[index]!;
    zeroed += nonZero(before) & ~nonZero(after);
    if ((nonZero(after) & nonZero(before ^ after)) === 0) continue;
    if (wrong++ === 0) first = index;
  }
  return { zeroed, wrong, first };
}

/**
 * Finds entries that a mask prunes and that are not zero.
 *
 * @returns how many, and the buffer index of the first (-1 without any)
 */
export function auditPruned(
  weight: Zeroable,
  bits: ElementBits,
  mask: Mask,
): { readonly count: number; readonly first: number } {
  if (isPlain(weight, bits)) return auditPlainPruned(signed(bits), mask.bits);
  const zero = zeroBits(weight, bits);
  const audit = { count: 0, first: -1 };
  for (let index = 0; index < bits.length; index++) {
    if (mask.keeps(index) || bits[index] === zero(index)) continue;
    if (audit.count++ === 0) audit.first = index;
  }
  return audit;
}

function auditPlainPruned(bits: PlainBits, mask: Uint8Array) {
  let count = 0;
  let first = -1;
  for (let index = 0; index < bits.length; index++) {
    const kept = mask[index >>> 3]! >> (index & 7);
    if ((nonZero(bits[index]!) & ~kept) === 0) continue;
    if (count++ === 0) first = index;
  }
  return { count, first };
}

type PlainBits = Exclude<ElementBits, BigUint64Array> | Int32Array;

/** The same bits as 32-bit integers where they are as wide: unsigned ones above 2³¹ would be computed with as doubles. */
function signed(bits: PlainBits): PlainBits {
  return bits instanceof Uint32Array ? new Int32Array(bits.buffer, bits.byteOffset, bits.length) : bits;
}

/** Whether zero is all bits 0 and the bits fit the 32-bit integers of bitwise operators. */
function isPlain(weight: Zeroable, bits: ElementBits): bits is Exclude<ElementBits, BigUint64Array> {
  return weight.zeroAt === undefined && !(bits instanceof BigUint64Array);
}

/** 1 for every 32-bit pattern but 0. */
function nonZero(bits: number): number {
  return (bits | (0 - bits)) >>> 31;
}
