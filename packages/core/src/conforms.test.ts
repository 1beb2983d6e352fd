import {
  type Axis,
  balancedBlocks,
  block,
  columns,
  conforms,
  denseMatrix,
  Mask,
  nm,
  rows,
  unstructured,
} from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../test-support/errors.js";
import { matMul, viewOf } from "../test-support/views.js";

const matrix = (values: number[], out: number, input: number) =>
  denseMatrix("w", Float32Array.from(values), out, input);
const ones = (length: number) => new Float32Array(length).fill(1);

describe("conforms", () => {
  it("names out channel, in-features and kernel position of the first group that is too full", () => {
    const axes: Axis[] = [
      { role: "out", size: 2, step: 1 },
      { role: "in", size: 4, step: 3 },
      { role: "kernel", size: 3, step: 1 },
    ];
    // Everything zero but out channel 1, kernel position 2 of channels 0, 1 and 3.
    const values = new Float32Array(24);
    for (const channel of [0, 1, 3]) values[12 + channel * 3 + 2] = 1;
    expect(conforms(values, viewOf("w", axes, values), nm(2, 4))).toEqual({
      ok: false,
      message:
        "from out channel 1, in-feature 2, kernel position 2 to in-feature 11: 3 entries are not zero, 2:4 allows 2",
      outChannel: 1,
      inFeature: 2,
      kernelPosition: 2,
    });
    expect(conforms(values, viewOf("w", axes, values), nm(3, 4))).toEqual({ ok: true });
  });

  it("judges a MatMul weight along K: groups along N do not count", () => {
    // [K, N] = [4, 4], two per buffer row but four in columns 0 and 1.
    const values = Float32Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 1 : 0));
    expect(conforms(values, viewOf("w", matMul(4, 4), values), nm(2, 4))).toMatchObject({
      ok: false,
      outChannel: 0,
      inFeature: 0,
    });
  });

  it("lets values have more zeros than the pattern put there", () => {
    expect(conforms(new Float32Array(8), matrix(new Array(8).fill(0), 1, 8), nm(2, 4))).toEqual({ ok: true });
    // A whole zero block, and a zero of its own in the other.
    const values = new Float32Array([0, 0, 0, 5]);
    expect(conforms(values, matrix([...values], 2, 2), block(1, 2, 0.5))).toEqual({ ok: true });
  });

  it("does not let a mask prune a block in part", () => {
    const verdict = conforms(Mask.from([0, 0, 0, 1]), matrix([1, 1, 1, 1], 2, 2), block(1, 2, 0.5));
    expect(verdict).toEqual({
      ok: false,
      message:
        "the block of out channels 1–1, in-features 0–1 has 1 of 2 entries pruned, expected all or none (kept: out channel 1, in-feature 1)",
      outChannel: 1,
      inFeature: 1,
    });
  });

  it("counts NaN and −0 for what they are", () => {
    expect(conforms([Number.NaN, -0], matrix([1, 1], 1, 2), unstructured(0.5, { group: "layer" }))).toEqual({
      ok: true,
    });
    expect(conforms([Number.NaN, Number.NaN], matrix([1, 1], 1, 2), unstructured(0.6)).ok).toBe(false);
  });

  it("says how many zeros an unstructured weight lacks", () => {
    expect(conforms([0, 1, 1, 1], matrix([1, 1, 1, 1], 1, 4), unstructured(0.5, { group: "layer" }))).toEqual({
      ok: false,
      message: "1 of 4 entries are zero, sparsity 0.5 asks for 2",
    });
  });

  it("names the first out channel with too few zeros", () => {
    const view = viewOf("w", matMul(2, 3), ones(6));
    expect(conforms([0, 1, 1, 1, 1, 0], view, unstructured(0.5, { group: "row" }))).toEqual({
      ok: false,
      message: "out channel 1: 0 of 2 entries are zero, sparsity 0.5 asks for 1",
      outChannel: 1,
    });
  });

  it("accepts what either default group gives where the pattern leaves it open", () => {
    // 3 × 3 at 0.5: by row 3 zeros, by layer 4.
    const view = matrix(new Array(9).fill(1), 3, 3);
    const byRow = Mask.from([0, 1, 1, 0, 1, 1, 0, 1, 1]);
    expect(conforms(byRow, view, unstructured(0.5))).toEqual({ ok: true });
    expect(conforms(byRow, view, unstructured(0.5, { group: "layer" })).ok).toBe(false);
    expect(conforms(Mask.from([0, 0, 1, 1, 1, 1, 1, 1, 1]), view, unstructured(0.5)).ok).toBe(false);
  });

  it("asks nothing of one weight where the model was ranked as a whole", () => {
    expect(conforms(ones(4), matrix([1, 1, 1, 1], 1, 4), unstructured(0.9, { group: "model" }))).toEqual({ ok: true });
  });

  it("counts blocks over the weight, balanced blocks in every block-column", () => {
    const view = matrix(new Array(16).fill(1), 4, 4);
    const uneven = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];
    expect(conforms(uneven, view, block(2, 2, 0.5))).toEqual({ ok: true });
    expect(conforms(uneven, view, balancedBlocks(2, 2, 0.5))).toEqual({
      ok: false,
      message:
        "0 of 2 blocks from out channel 2 on are zero throughout, blocks:2x2 at sparsity 0.5 asks for 1; " +
        "the first that is not: out channels 2–3, in-features 0–1 (kept: out channel 2, in-feature 0)",
      outChannel: 2,
      inFeature: 0,
    });
  });

  it("names the first row or column that is not zero", () => {
    const view = matrix(new Array(4).fill(1), 2, 2);
    expect(conforms([0, 0, 1, 1], view, rows(0.6))).toEqual({ ok: true });
    expect(conforms([0, 1, 0, 1], view, columns(0.6))).toEqual({ ok: true });
    expect(conforms([0, 1, 0, 1], view, rows(0.6))).toMatchObject({
      ok: false,
      message: expect.stringContaining("0 of 2 rows are zero throughout, rows at sparsity 0.6 asks for 1"),
      outChannel: 0,
      inFeature: 1,
    });
  });

  it("gives the reason where a weight cannot take the pattern", () => {
    expect(conforms(new Float32Array(6), matrix(new Array(6).fill(0), 1, 6), nm(2, 4))).toEqual({
      ok: false,
      message: "its 6 input channels are no multiple of 4",
    });
  });

  it("refuses another number of entries", () => {
    const error = coreErrorOf(() => conforms(Mask.keepAll(5), matrix([1, 1], 1, 2), rows(0)));
    expect(error).toMatchObject({ code: "shape-mismatch", weight: "w" });
    expect(error.message).toBe('5 entries to judge, weight "w" has 2');
  });
});
