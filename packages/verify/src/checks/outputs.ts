import type { OutputDistance, OutputFigures } from "../check.js";
import { type CheckDefinition, counted, type Finding, figure, skipped } from "./check-definition.js";

/** The pruned model's outputs are within a distance of the original's. */
export const outputs: CheckDefinition = {
  name: "outputs",
  async run({ options, comparison }) {
    const compared = await comparison();
    const limit = options.maxOutputError;
    if (compared.status === "impossible") return skipped(compared.message);
    if (compared.status === "incomparable") {
      return { status: "failed", measured: null, limit: limit ?? null, message: compared.message };
    }
    return judge(compared.figures, limit);
  },
};

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
    `mean cosine ${figure(worst.meanCosine)}${rowsText(worst)}; worst sample ${worst.worstSample} with relative L2 ${figure(worst.worstRelativeL2)}`
  );
}

function rowsText({ topAgreement, meanDivergence }: OutputDistance): string {
  const agreement = topAgreement === undefined ? "" : `, same highest entry in ${figure(100 * topAgreement)} %`;
  return meanDivergence === undefined ? agreement : `${agreement}, mean KL divergence ${figure(meanDivergence)}`;
}
