import type { Runner, Sample, Tensor } from "@espalier/runtime";
import type { OutputDistance, OutputFigures } from "../check.js";
import { type Execution, runOnce } from "../execution.js";
import { OutputMeter } from "../output-distance.js";
import { VerifyError } from "../verify-error.js";
import { type CheckDefinition, counted, type Finding, skipped } from "./check-definition.js";

/** The pruned model's outputs are within a distance of the original's. */
export const outputs: CheckDefinition = {
  name: "outputs",
  async run({ options, execution }) {
    const original = await execution.open("original");
    if (!original.ok) return skipped(`the original does not open here: ${original.problem}`);
    const pruned = await execution.open("pruned");
    if (!pruned.ok) return skipped("the pruned model does not open: see the check loads");
    const limit = options.maxOutputError;
    const measured = await measure(execution, original.runner, pruned.runner);
    if (typeof measured === "string") {
      return { status: "failed", measured: null, limit: limit ?? null, message: measured };
    }
    return judge(measured, limit);
  },
};

/** The distances of all outputs over all samples, or what makes the outputs incomparable. */
async function measure(execution: Execution, original: Runner, pruned: Runner): Promise<OutputFigures | string> {
  const meters = new Map(original.outputs.map(({ name }) => [name, new OutputMeter(name)]));
  let samples = 0;
  for await (const sample of execution.samples()) {
    const expected = await runOriginal(original, sample, samples, execution.random);
    const found = await runOnce(pruned, sample);
    if (!found.ok) return `the pruned model stops at sample ${samples}: ${found.problem}`;
    for (const [name, meter] of meters) {
      const output = found.outputs[name];
      const problem = output ? meter.add(expected[name]!, output) : `the pruned model has no output "${name}"`;
      if (problem !== undefined) return problem;
    }
    samples++;
  }
  const distances = [...meters.values()].map((meter) => meter.distance());
  return { kind: "outputs", samples, random: execution.random, outputs: distances };
}

async function runOriginal(
  original: Runner,
  sample: Sample,
  index: number,
  random: boolean,
): Promise<Readonly<Record<string, Tensor>>> {
  const result = await runOnce(original, sample);
  if (result.ok) return result.outputs;
  const which = random ? "a random feed, give samples" : `sample ${index}`;
  throw new VerifyError("bad-sample", `the original does not run on ${which}: ${result.problem}`, { sample: index });
}

function judge(figures: OutputFigures, limit: number | undefined): Finding {
  const worst = figures.outputs.reduce((a, b) => (b.relativeL2 > a.relativeL2 ? b : a));
  const measured = worst.relativeL2;
  const message = describe(worst, figures);
  if (limit === undefined) {
    return { status: "skipped", measured, limit: null, figures, message: `${message}; no limit was given` };
  }
  return measured <= limit
    ? { status: "passed", measured, limit, figures, message }
    : { status: "failed", measured, limit, figures, message };
}

function describe(worst: OutputDistance, { samples, random, outputs }: OutputFigures): string {
  const over = random ? `${counted(samples, "random feed")} (no samples were given)` : counted(samples, "sample");
  const which = outputs.length === 1 ? `output "${worst.name}"` : `worst of ${outputs.length} outputs "${worst.name}"`;
  return (
    `${which} over ${over}: relative L2 ${figure(worst.relativeL2)}, max abs ${figure(worst.maxAbs)}, ` +
    `mean cosine ${figure(worst.meanCosine)}; worst sample ${worst.worstSample} with relative L2 ${figure(worst.worstRelativeL2)}`
  );
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}
