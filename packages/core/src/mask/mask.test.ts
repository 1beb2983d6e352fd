import { Mask } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

describe("Mask", () => {
  it("packs decisions least significant bit first", () => {
    const mask = Mask.from([1, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
    expect(mask.length).toBe(10);
    expect(mask.bits).toEqual(new Uint8Array([0b00001101, 0b10]));
    expect(mask.keeps(0)).toBe(true);
    expect(mask.keeps(1)).toBe(false);
    expect(mask.keeps(9)).toBe(true);
    expect(mask.keeps(10)).toBe(false);
  });

  it("takes decisions as booleans", () => {
    expect(Mask.from([true, false, true]).bits).toEqual(new Uint8Array([0b101]));
  });

  it("keeps everything with unused high bits at 0", () => {
    expect(Mask.keepAll(11).bits).toEqual(new Uint8Array([0xff, 0b111]));
    expect(Mask.keepAll(0).bits).toEqual(new Uint8Array(0));
  });

  it("reads decisions off values: both zeros are pruned, NaN is kept", () => {
    expect(Mask.ofNonZeros([0, -0, 1e-45, Number.NaN, -1]).bits).toEqual(new Uint8Array([0b11100]));
  });

  it("copies the bits it is given", () => {
    const bits = new Uint8Array([1]);
    const mask = Mask.fromBits(8, bits);
    bits[0] = 255;
    expect(mask.bits).toEqual(new Uint8Array([1]));
  });

  it("adopts bits without a copy, and checks them all the same", () => {
    const bits = new Uint8Array([0b101]);
    expect(Mask.adopt(3, bits).bits).toBe(bits);
    expect(coreErrorOf(() => Mask.adopt(2, bits)).code).toBe("invalid-argument");
    expect(coreErrorOf(() => Mask.adopt(9, bits)).code).toBe("shape-mismatch");
  });

  it("refuses bits of another size", () => {
    expect(coreErrorOf(() => Mask.fromBits(9, new Uint8Array(1))).code).toBe("shape-mismatch");
    expect(coreErrorOf(() => Mask.fromBits(8, new Uint8Array(2))).code).toBe("shape-mismatch");
  });

  it("refuses bits beyond its entries", () => {
    expect(coreErrorOf(() => Mask.fromBits(3, new Uint8Array([0b1000]))).code).toBe("invalid-argument");
  });

  it.each([-1, 1.5, 2 ** 32, Number.NaN])("refuses a length of %s", (length) => {
    expect(coreErrorOf(() => Mask.fromBits(length, new Uint8Array(0))).code).toBe("invalid-argument");
  });
});
