import { describe, expect, it } from "vitest";
import { finishedRow } from "../../test/finished-row.js";
import { withPareto } from "./pareto.js";
import type { FinishedRow, SweepRow } from "./sweep-result.js";

const front = (rows: readonly SweepRow[]): readonly boolean[] =>
  withPareto(rows).map((row) => row.status === "done" && (row as FinishedRow).pareto);

describe("withPareto", () => {
  it("keeps what nothing beats in error, bytes and latency together", () => {
    const rows = [
      finishedRow({ outputError: 0.1, bytes: 3000 }),
      finishedRow({ outputError: 0.2, bytes: 2000 }),
      finishedRow({ outputError: 0.3, bytes: 2000 }), // beaten by the one before
      finishedRow({ outputError: 0.4, bytes: 4000, speedup: [2, 2.1, 2.2] }), // the only fast one
      finishedRow({ outputError: 0.4, bytes: 4000, speedup: [0.8, 1, 1.2] }),
    ];
    expect(front(rows)).toEqual([true, true, false, true, false]);
  });

  it("goes by the drop where there is one", () => {
    const rows = [finishedRow({ drop: 0.1, outputError: 0.1 }), finishedRow({ drop: 0, outputError: 0.2 })];
    expect(front(rows)).toEqual([false, true]);
  });

  it("takes no difference from noise: intervals that touch, sizes less than a thousandth apart", () => {
    const rows = [
      finishedRow({ outputError: 0.1, bytes: 100_050, speedup: [0.9, 1, 1.1] }),
      finishedRow({ outputError: 0.2, bytes: 100_000, speedup: [1.1, 1.2, 1.3] }),
      finishedRow({ outputError: 0.2, bytes: 99_800, speedup: [0.9, 1, 1.1] }),
    ];
    expect(front(rows)).toEqual([true, false, true]);
  });

  it("compares rows of one model only, keeps equals both, and leaves refused rows alone", () => {
    const refused: SweepRow = { ...finishedRow({}), status: "refused", reason: "no" };
    const rows = [
      finishedRow({ outputError: 0.1 }),
      finishedRow({ outputError: 0.1 }),
      { ...finishedRow({ outputError: 0.9 }), model: "b" },
      refused,
    ];
    expect(front(rows)).toEqual([true, true, true, false]);
    expect(withPareto([refused])).toEqual([refused]);
  });
});
