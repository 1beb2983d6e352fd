import { type Runner, RunnerError, type Tensor } from "@espalier/runtime";
import { describe, expect, it } from "vitest";
import { OtherBackend } from "./other-backend.js";

const f32 = (...values: number[]): Tensor => ({
  dtype: "float32",
  dims: [values.length],
  data: Float32Array.from(values),
});

/** Stands for a backend that goes wrong on cue, which no real one does. */
function backendThat(...answers: (Tensor | RunnerError)[]): OtherBackend {
  const run = async (): Promise<Record<string, Tensor>> => {
    const answer = answers.shift()!;
    if (answer instanceof RunnerError) throw answer;
    return { y: answer };
  };
  const runner: Runner = { backend: "web", inputs: [], outputs: [], run, close: async () => {} };
  return new OtherBackend("web", { ok: true, runner }, "node", ["y"]);
}

async function compared(other: OtherBackend, ...expected: Tensor[]) {
  for (const [index, y] of expected.entries()) other.add(index, { y }, await other.run({}));
  return other.finding();
}

describe("OtherBackend", () => {
  it("adds up differences over samples", async () => {
    // (4 − 3)² + (12 − 12)² over 3² + 0² + 12² + 0²: √(1 / 153).
    const finding = await compared(backendThat(f32(4, 0), f32(12, 0)), f32(3, 0), f32(12, 0));
    expect(finding).toMatchObject({ backend: "web", outputs: [{ name: "y", maxAbs: 1, worstSample: 0 }] });
    expect("outputs" in finding && finding.outputs[0]!.relativeL2).toBeCloseTo(Math.sqrt(1 / 153), 12);
  });

  it("keeps the first problem, and runs no more after it", async () => {
    const stopped = new RunnerError("run-failed", "out of memory");
    const finding = await compared(backendThat(f32(1), stopped), f32(1), f32(2), f32(3));
    expect(finding).toEqual({ backend: "web", problem: "stops at sample 1: out of memory" });
  });

  it("says which backend has the other value where one alone puts out a NaN, or another shape", async () => {
    expect(await compared(backendThat(f32(1, Number.NaN)), f32(1, 2))).toEqual({
      backend: "web",
      problem: 'differs: output "y" of sample 0 is NaN at element 1, on node 2',
    });
    expect(await compared(backendThat(f32(1)), f32(1, 2))).toEqual({
      backend: "web",
      problem: 'differs: output "y" of sample 0 is float32 [1], on node float32 [2]',
    });
  });

  it("passes on what is no fault of the model", async () => {
    const missing = new RunnerError("backend-missing", "gone");
    await expect(backendThat(missing).run({})).rejects.toBe(missing);
  });
});
