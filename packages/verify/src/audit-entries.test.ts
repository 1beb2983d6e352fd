import { Mask } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { auditKept, auditPruned } from "./audit-entries.js";

/** The highest bit is the sign: a pattern above 2³¹ must not be lost in signed arithmetic. */
const layouts = [
  ["8", Uint8Array.of(1, 0x80, 3, 0xff, 0), Uint8Array.of(1, 0, 3, 0xff, 0), 0x80],
  ["16", Uint16Array.of(1, 0x8000, 3, 0xffff, 0), Uint16Array.of(1, 0, 3, 0xffff, 0), 0x8000],
  ["32", Uint32Array.of(1, 0x80000000, 3, 0xffffffff, 0), Uint32Array.of(1, 0, 3, 0xffffffff, 0), 0x80000000],
  [
    "64",
    BigUint64Array.of(1n, 2n ** 63n, 3n, 2n ** 64n - 1n, 0n),
    BigUint64Array.of(1n, 0n, 3n, 2n ** 64n - 1n, 0n),
    2n ** 63n,
  ],
] as const;

describe.each(layouts)("entries of %s bits", (_, was, is, sign) => {
  it("are the same or zero after a clean pruning", () => {
    expect(auditKept({}, was, is)).toEqual({ zeroed: 1, wrong: 0, first: -1 });
  });

  it("are wrong where they changed into anything but zero, the sign bit alone included", () => {
    const broken = is.slice();
    broken[1] = sign as never;
    broken[4] = sign as never;
    expect(auditKept({}, was, broken)).toEqual({ zeroed: 0, wrong: 1, first: 4 });
    broken[0] = was[3] as never;
    expect(auditKept({}, was, broken)).toEqual({ zeroed: 0, wrong: 2, first: 0 });
  });

  it("are counted where a mask prunes them and they are not zero", () => {
    const mask = Mask.from([0, 0, 1, 0, 0]);
    expect(auditPruned({}, is, mask)).toEqual({ count: 2, first: 0 });
    expect(auditPruned({}, was, Mask.from([1, 0, 1, 1, 0]))).toEqual({ count: 1, first: 1 });
    expect(auditPruned({}, is, Mask.from([1, 0, 1, 1, 0]))).toEqual({ count: 0, first: -1 });
  });
});

describe("entries of a quantised weight", () => {
  const weight = { zeroAt: (index: number) => (index % 2 === 0 ? -3 : 9) };

  it("are zero at the zero point of their channel, not at 0", () => {
    const was = Uint8Array.of(1, 2, 3, 4);
    expect(auditKept(weight, was, Uint8Array.of(253, 9, 3, 4))).toEqual({ zeroed: 2, wrong: 0, first: -1 });
    expect(auditKept(weight, was, Uint8Array.of(1, 253, 0, 4))).toEqual({ zeroed: 0, wrong: 2, first: 1 });
    expect(auditPruned(weight, Uint8Array.of(253, 0, 0, 9), Mask.from([0, 0, 1, 0]))).toEqual({ count: 1, first: 1 });
  });
});
