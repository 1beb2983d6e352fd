import { describe, expect, it } from "vitest";
import { convolutions, mlp, residualConvolutions, transformer, twoInputs } from "../../test-support/stage-cases.js";
import { checkCase } from "../../test-support/stage-reference.js";

const stagesOf = (report: Awaited<ReturnType<typeof checkCase>>) =>
  report.stages.map(({ weights }) => weights.map(({ name }) => name));

describe("runStages, against whole models", () => {
  it("runs two layers one after the other, the second behind the decided first and its bias", async () => {
    expect(stagesOf(await checkCase(mlp))).toEqual([["w1"], ["w2"]]);
  });

  it("decides weights with a common input at a time, and hands residuals past the layers between", async () => {
    expect(stagesOf(await checkCase(transformer))).toEqual([["wq", "wk", "wv"], ["wo"], ["wu"], ["wd"]]);
  });

  it("follows branches of convolutions, grouped ones too", async () => {
    expect(stagesOf(await checkCase(convolutions))).toEqual([["c1"], ["c2", "c3"], ["c4"], ["w"]]);
  });

  it("says how far a residual connection around convolutions has moved", async () => {
    const report = await checkCase(residualConvolutions);
    expect(stagesOf(report)).toEqual([["c0"], ["c1"], ["c2"], ["c3"]]);
  });

  it("feeds several inputs to the stages that read them", async () => {
    expect(stagesOf(await checkCase(twoInputs))).toEqual([["w1", "w2"], ["w3"]]);
  });

  it("runs only the pruned model where the dense one is not asked for", async () => {
    await checkCase({ ...transformer, options: { cross: false } });
    await checkCase({ ...convolutions, options: { cross: false } });
  });
});
