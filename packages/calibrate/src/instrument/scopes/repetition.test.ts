import { TensorProto_DataType as DataType, makeValueInfo } from "@espalier/onnx";
import { type GraphParts, graph, type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectMeasured, float32 } from "../../../test-support/measured-run.js";
import {
  flag,
  model,
  output,
  product,
  ROWS,
  rowsOf,
  run,
  square,
  steps,
  times,
  valuesOf,
  WIDTH,
  x,
  ZEROS,
} from "../../../test-support/subgraph-models.js";

describe("instrument, weights in the body of a Loop", () => {
  /** `v ← v · W`, as often as it is told and until the condition is false, with every `v` put out. */
  const loop = (more: Partial<GraphParts> = {}) =>
    model({
      nodes: [node("Loop", ["n", "go", "x"], ["y", "all"], { body: body(more) }, { name: "loop" })],
      inputs: [
        valueInfo("x", "float32", ["batch", WIDTH]),
        valueInfo("n", "int64", []),
        valueInfo("go", "bool", []),
        valueInfo("limit", "int64", []),
      ],
      outputs: [output("y"), output("all")],
    });
  const body = (more: Partial<GraphParts>) =>
    graph({
      nodes: [
        node("MatMul", ["v", "W"], ["product"]),
        node("Identity", ["product"], ["each"]),
        node("Less", ["i", "limit"], ["on"]),
      ],
      initializers: [square("W", 4)],
      inputs: [valueInfo("i", "int64", []), valueInfo("before", "bool", []), valueInfo("v", "float32", ["a", "b"])],
      outputs: [valueInfo("on", "bool", []), output("product"), output("each")],
      ...more,
    });

  /** What W sees in so many steps. */
  function seen(count: number): number[][] {
    let rows = ROWS;
    const all: number[][] = [];
    for (let step = 0; step < count; step++) {
      all.push(...rows);
      rows = times(rows, valuesOf(4));
    }
    return all;
  }

  for (const [count, limit] of [
    [1, 9],
    [4, 9],
    [9, 2],
  ] as const) {
    it(`adds up the steps: ${count} of them, or until ${limit}`, async () => {
      const feeds = { x: x(), n: steps(count), go: flag(true), limit: steps(limit) };
      const { weights, instrumentation } = await run(loop(), feeds);
      expect(instrumentation.unsupported).toEqual([]);
      expectMeasured(weights.get("main/loop/body/W"), [seen(Math.min(count, limit + 1))]);
    });
  }

  it("has zeros where there is no step", async () => {
    const feeds = { x: x(), n: steps(0), go: flag(true), limit: steps(9) };
    expect((await run(loop(), feeds)).weights.get("main/loop/body/W")).toEqual(ZEROS);
  });

  it("adds up thousands of steps as exactly as one", async () => {
    // Multiplied with 1, all stays as it is.
    const identity = tensor("W", [WIDTH, WIDTH], Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1));
    const feeds = { x: x(), n: steps(20_000), go: flag(true), limit: steps(30_000) };
    const given = loop({ initializers: [identity] });
    const { weights } = await run(given, feeds, { gram: false });
    const { sums, count } = weights.get("main/loop/body/W")!;
    expect(count).toBe(40_000);
    for (const [k, sum] of sums.entries()) {
      const exact = 20_000 * ROWS.reduce((all, row) => all + row[k]! ** 2, 0);
      expect(Math.abs(sum / exact - 1)).toBeLessThan(1e-6);
    }
  });

  it("goes through an If in a Loop: steps in which it is taken", async () => {
    const given = loop({
      nodes: [
        node("Less", ["i", "two"], ["early"]),
        node("If", ["early"], ["product"], {
          then_branch: product("v", "W", "t"),
          else_branch: graph({ nodes: [node("Identity", ["v"], ["e"])], outputs: [output("e")] }),
        }),
        node("Identity", ["product"], ["each"]),
        node("Less", ["i", "limit"], ["on"]),
      ],
      initializers: [square("W", 4), tensor("two", [], BigInt64Array.of(2n))],
    });
    const feeds = { x: x(), n: steps(5), go: flag(true), limit: steps(9) };
    expectMeasured((await run(given, feeds)).weights.get("main/loop/body/W"), [seen(2)]);
  });

  it("goes through a Loop in an If", async () => {
    const inner = loop().nodes;
    const given = model({
      nodes: [
        node("If", ["c"], ["y"], {
          then_branch: graph({ nodes: inner, outputs: [output("y")] }),
          else_branch: graph({ nodes: [node("Identity", ["x"], ["e"])], outputs: [output("e")] }),
        }),
      ],
      inputs: [...loop().inputs!, valueInfo("c", "bool", [])],
      outputs: [output("y")],
    });
    const feeds = (c: boolean) => ({ x: x(), n: steps(3), go: flag(true), limit: steps(9), c: flag(c) });
    const name = "main/If/then_branch/loop/body/W";
    expectMeasured((await run(given, feeds(true))).weights.get(name), [seen(3)]);
    expect((await run(given, feeds(false))).weights.get(name)).toEqual(ZEROS);
  });
});

describe("instrument, weights in the body of a Scan", () => {
  const STEPS = 4;
  const data = random(8).float32(2 * STEPS * WIDTH);
  /** `s ← tanh(x_t · W + s · R)`, over the second axis of `[2, STEPS, WIDTH]`. */
  const scan = (more: Partial<ModelParts> = {}) =>
    model({
      nodes: [
        node(
          "Scan",
          ["start", "x"],
          ["last", "states"],
          {
            body: graph({
              nodes: [
                node("MatMul", ["x_t", "W"], ["a"]),
                node("MatMul", ["s", "R"], ["b"]),
                node("Add", ["a", "b"], ["sum"]),
                node("Tanh", ["sum"], ["next"]),
                node("Identity", ["next"], ["state"]),
              ],
              initializers: [square("W", 6)],
              inputs: [output("s"), output("x_t")],
              outputs: [output("next"), output("state")],
            }),
            num_scan_inputs: 1,
            scan_input_axes: [1],
            scan_output_axes: [1],
          },
          { name: "scan" },
        ),
        node("Identity", ["mask"], ["m"]),
      ],
      initializers: [square("R", 7), tensor("start", [2, WIDTH], new Float32Array(2 * WIDTH))],
      inputs: [valueInfo("x", "float32", ["batch", "seq", WIDTH]), valueInfo("mask", "int64", ["batch", "seq"])],
      outputs: [output("last"), output("states"), makeValueInfo("m", DataType.INT64)],
      ...more,
    });
  const feeds = {
    x: float32([2, STEPS, WIDTH], data),
    mask: { dtype: "int64", dims: [2, STEPS], data: new BigInt64Array(2 * STEPS).fill(1n) },
  } as const;

  it("adds up the steps", async () => {
    const { weights, outputs, instrumentation } = await run(scan(), feeds);
    expect(instrumentation.unsupported).toEqual([]);
    expectMeasured(weights.get("main/scan/body/W"), [rowsOf(data)]);
    // The states that R sees: zeros, then all but the last that come out, `[2, STEPS, WIDTH]`.
    const states = rowsOf(outputs.states!.data as Float32Array).filter((_, row) => row % STEPS !== STEPS - 1);
    expectMeasured(weights.get("R"), [[...states, [0, 0, 0], [0, 0, 0]]]);
  });

  it("has no sums with a mask: a step may be a token that does not count", async () => {
    const { instrumentation } = await run(scan(), feeds, { mask: "mask" });
    expect(instrumentation.probes).toEqual([]);
    for (const { reason } of instrumentation.unsupported) expect(reason).toMatch("each step of a Loop or Scan");
  });
});
