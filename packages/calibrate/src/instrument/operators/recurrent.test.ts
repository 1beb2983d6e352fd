import { type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectLaidOut, laidOutRun } from "../../../test-support/laid-out-run.js";
import { expectClose, expectMeasured, float32, measuredRun } from "../../../test-support/measured-run.js";
import { type Recurrence, recur } from "../../../test-support/recurrence.js";

const STEPS = 5;
const BATCH = 3;
const FEATURES = 4;
const HIDDEN = 2;
const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;

interface RecurrentCase {
  readonly op: Recurrence["op"];
  readonly direction: Recurrence["direction"];
  readonly lengths?: readonly number[];
  readonly hasInitial?: boolean;
  readonly opset?: number;
  /** Outputs that the node has. */
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, number>>;
}

async function measure({ op, direction, lengths, hasInitial, opset, outputs, attributes }: RecurrentCase) {
  const stream = random(9);
  const directions = direction === "bidirectional" ? 2 : 1;
  const rows = GATES[op] * HIDDEN;
  const x = stream.float32(STEPS * BATCH * FEATURES);
  const w = stream.float32(directions * rows * FEATURES);
  const r = stream.float32(directions * rows * HIDDEN);
  const initial = stream.float32(directions * BATCH * HIDDEN).map((value) => 3 * value);
  const names = outputs ?? ["Y"];
  const model: ModelParts = {
    opset: opset ?? 17,
    nodes: [
      node(op, ["x", "W", "R", "", lengths ? "lengths" : "", hasInitial ? "h0" : ""], names, {
        hidden_size: HIDDEN,
        direction,
        ...attributes,
      }),
    ],
    initializers: [
      tensor("W", [directions, rows, FEATURES], w),
      tensor("R", [directions, rows, HIDDEN], r),
      ...(lengths ? [tensor("lengths", [BATCH], Int32Array.from(lengths))] : []),
      ...(hasInitial ? [tensor("h0", [directions, BATCH, HIDDEN], initial)] : []),
    ],
    inputs: [valueInfo("x", "float32", ["steps", "batch", FEATURES])],
    outputs: names
      .filter((name) => name !== "")
      .map((name) => valueInfo(name, "float32", ["a", "b", "c", ...(name === "Y" ? ["d"] : [])])),
  };
  const feeds = { x: float32([STEPS, BATCH, FEATURES], x) };
  const run = await measuredRun(model, feeds, { gram: true });
  const recurred = recur({
    op,
    direction,
    x,
    w,
    r,
    steps: STEPS,
    batch: BATCH,
    features: FEATURES,
    hidden: HIDDEN,
    initial: hasInitial ? initial : undefined,
    lengths: lengths ?? Array(BATCH).fill(STEPS),
    linearBeforeReset: attributes?.linear_before_reset === 1,
  });
  return { ...run, laidOut: await laidOutRun(model, feeds), recurred, x };
}

async function check(one: RecurrentCase): Promise<void> {
  const { weights, laidOut, outputs, recurred, x } = await measure(one);
  const y = outputs.Y!.data as Float32Array;
  expectClose(
    Array.from(y),
    recurred.y,
    recurred.y.map(() => 1),
  );
  const seen = [...Array(STEPS * BATCH).keys()].filter(
    (row) => Math.floor(row / BATCH) < (one.lengths?.[row % BATCH] ?? STEPS),
  );
  const rows = seen.map((row) => [...x.subarray(row * FEATURES, (row + 1) * FEATURES)]);
  expectMeasured(weights.get("W"), [rows]);
  expectLaidOut(laidOut.get("W"), [rows]);
  expectMeasured(weights.get("R"), recurred.states);
}

describe("instrument, LSTM, GRU and RNN", () => {
  for (const op of ["LSTM", "GRU", "RNN"] as const) {
    for (const direction of ["forward", "reverse", "bidirectional"] as const) {
      const attributes = op === "GRU" ? { linear_before_reset: 1 } : {};
      const one = { op, direction, attributes };
      it(`${op} ${direction}: R sees the state of the step before`, () => check(one));
      it(`${op} ${direction}: and the initial state`, () => check({ ...one, hasInitial: true, opset: 7 }));
      it(`${op} ${direction}: sequences of different lengths`, () =>
        check({ ...one, lengths: [5, 1, 3], hasInitial: true }));
      it(`${op} ${direction}: sequences of different lengths in opset 9`, () =>
        check({ ...one, lengths: [2, 5, 1], opset: 9 }));
    }
  }

  it("has no sums for R without the output Y, and has them for W", async () => {
    const { weights, instrumentation } = await measure({ op: "LSTM", direction: "forward", outputs: ["", "Y_h"] });
    expect([...weights.keys()]).toEqual(["W"]);
    expect(instrumentation.unsupported).toEqual([
      { name: "R", reason: "its LSTM does not put out the hidden state of every step (output Y)" },
    ]);
  });

  it("has no sums for R of a GRU that resets the state before it multiplies", async () => {
    const { weights, instrumentation } = await measure({ op: "GRU", direction: "forward" });
    expect([...weights.keys()]).toEqual(["W"]);
    expect(instrumentation.unsupported[0]!.reason).toMatch("after the reset gate");
  });
});
