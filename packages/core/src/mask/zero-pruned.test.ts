import { Mask, zeroPruned } from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../../test-support/errors.js";

describe("zeroPruned", () => {
  it("clears pruned bfloat16 elements and nothing else", () => {
    const bytes = Uint8Array.from([0x80, 0xbf, 0x00, 0xc0, 0x40, 0x40]);
    zeroPruned(bytes, 2, Mask.from([1, 0, 1]));
    expect(bytes).toEqual(Uint8Array.from([0x80, 0xbf, 0, 0, 0x40, 0x40]));
  });

  it.each([1, 2, 4, 8] as const)("clears elements of %i bytes at every address", (size) => {
    const keep = Array.from({ length: 21 }, (_, i) => (i * i) % 3 === 0 || i === 20);
    for (let address = 0; address < 8; address++) {
      const surroundings = new Uint8Array(address + 21 * size + 3).fill(0xaa);
      zeroPruned(surroundings.subarray(address, address + 21 * size), size, Mask.from(keep));
      const expected = surroundings.map((_, i) => {
        const element = Math.floor((i - address) / size);
        return element >= 0 && element < 21 && !keep[element] ? 0 : 0xaa;
      });
      expect(surroundings).toEqual(expected);
    }
  });

  it.each([1, 2, 4, 8] as const)("clears a tensor of %i-byte elements part by part, wherever parts lie", (size) => {
    const mask = Mask.from(Array.from({ length: 43 }, (_, i) => i % 3 === 0 || (i * i) % 7 === 1));
    for (let address = 0; address < 8; address++) {
      const memory = new Uint8Array(address + 43 * size).fill(0xaa);
      const bytes = memory.subarray(address);
      for (const [first, end] of [
        [0, 8],
        [8, 32],
        [32, 43], // the last part need not end at a whole byte of the mask
      ] as const) {
        zeroPruned(bytes.subarray(first * size, end * size), size, mask, first);
      }
      expect(bytes).toEqual(bytes.map((_, i) => (mask.keeps(Math.floor(i / size)) ? 0xaa : 0)));
      expect(memory.subarray(0, address)).toEqual(new Uint8Array(address).fill(0xaa));
    }
  });

  it("refuses a part that starts within a byte of the mask or reaches beyond it", () => {
    const codeFor = (first: number, elements: number) =>
      coreErrorOf(() => zeroPruned(new Uint8Array(2 * elements), 2, Mask.keepAll(20), first)).code;
    expect([codeFor(4, 2), codeFor(-8, 2), codeFor(0.5, 2), codeFor(Number.NaN, 2)]).toEqual(
      new Array(4).fill("invalid-argument"),
    );
    expect([codeFor(16, 5), codeFor(24, 0)]).toEqual(["shape-mismatch", "shape-mismatch"]);
  });

  it("refuses bytes of another length", () => {
    expect(coreErrorOf(() => zeroPruned(new Uint8Array(6), 2, Mask.keepAll(4))).code).toBe("shape-mismatch");
    expect(coreErrorOf(() => zeroPruned(new Uint8Array(7), 2, Mask.keepAll(3))).code).toBe("shape-mismatch");
  });
});
