import { backendsOf, DEFAULT_BACKEND_DIFFERENCE } from "../backends.js";
import type { BackendFigures, BackendFinding, OutputDistance } from "../check.js";
import { type CheckDefinition, counted, type Finding, figure, skipped } from "./check-definition.js";

/** The pruned model runs on every backend asked for, with the outputs of the first one up to rounding. */
export const backends: CheckDefinition = {
  name: "backends",
  isAskedFor: ({ backend }) => backendsOf(backend).length > 1,
  async run({ options, comparison }) {
    const compared = await comparison();
    if (compared.status !== "compared")
      return skipped("there are no outputs to compare: see the checks loads and outputs");
    return judge(compared.backends, options.maxBackendDifference ?? DEFAULT_BACKEND_DIFFERENCE);
  },
};

function judge(figures: BackendFigures, limit: number): Finding {
  const { first, samples, backends } = figures;
  const message = `against ${first}, over ${counted(samples, "sample")}: ${backends.map(describe).join("; ")}`;
  const worst = backends.map((finding) => ("problem" in finding ? null : worstOf(finding.outputs).relativeL2));
  if (worst.includes(null)) return { status: "failed", measured: null, limit, figures, message };
  const measured = Math.max(...worst.map(Number));
  return { status: measured <= limit ? "passed" : "failed", measured, limit, figures, message };
}

function describe(finding: BackendFinding): string {
  if ("problem" in finding) return `${finding.backend} ${finding.problem}`;
  const { name, relativeL2, maxAbs, worstSample, worstRelativeL2 } = worstOf(finding.outputs);
  return (
    `${finding.backend} differs most in output "${name}", by relative L2 ${figure(relativeL2)} and max abs ${figure(maxAbs)}, ` +
    `worst sample ${worstSample} with ${figure(worstRelativeL2)}`
  );
}

function worstOf(outputs: readonly OutputDistance[]): OutputDistance {
  return outputs.reduce((a, b) => (b.relativeL2 > a.relativeL2 ? b : a));
}
