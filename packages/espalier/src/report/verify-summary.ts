import type { Check, CheckFigures, Verification } from "@espalier/verify";
import { bytesText } from "../bytes-text.js";
import { type KeyFigure, keyFigures } from "./key-figures.js";
import { html, type Markup } from "./markup.js";
import { changeText, figureText, shareText } from "./number-text.js";

/** The verdict in words, what failed, and the figures that decide. */
export function verifySummary(verification: Verification): Markup {
  const { status, checks } = verification;
  const failed = checks.filter((check) => check.status === "failed");
  return html`<p class="outcome"><span class="verdict ${status}"><span aria-hidden="true">${status === "passed" ? "✓" : "✗"}</span> ${
    status === "passed" ? "Passed" : "Failed"
  }</span> <span>${countsText(checks)}</span></p>
${failed.length > 0 && html`<ul class="findings">${failed.map(({ name, message }) => html`<li><strong>${name}</strong>: <bdi>${message}</bdi></li>`)}</ul>`}
${keyFigures([...qualityOf(checks), ...costOf(verification)])}`;
}

function countsText(checks: readonly Check[]): string {
  const count = (wanted: Check["status"]): number => checks.filter(({ status }) => status === wanted).length;
  return `${count("passed")} of ${checks.length} checks passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}

/** The figures of a kind, of the check that has them. */
export function figuresOf<Kind extends CheckFigures["kind"]>(
  checks: readonly Check[],
  kind: Kind,
): Extract<CheckFigures, { kind: Kind }> | undefined {
  const found = checks.find(({ figures }) => figures?.kind === kind)?.figures;
  return found as Extract<CheckFigures, { kind: Kind }> | undefined;
}

function qualityOf(checks: readonly Check[]): (KeyFigure | undefined)[] {
  const zeros = figuresOf(checks, "sparsity");
  const outputs = figuresOf(checks, "outputs");
  const accuracy = figuresOf(checks, "accuracy");
  const worst = outputs && Math.max(...outputs.outputs.map(({ relativeL2 }) => relativeL2));
  return [
    zeros && {
      name: "zeros",
      value: shareText(zeros.ofPruned),
      note: `of pruned weights; ${shareText(zeros.ofAll)} of all parameters`,
    },
    accuracy && {
      name: `drop of ${accuracy.metric}`,
      value: figureText(accuracy.drop, 3),
      note: `95 % interval ${figureText(accuracy.interval.low, 3)} to ${figureText(accuracy.interval.high, 3)}`,
    },
    outputs && worst !== undefined && Number.isFinite(worst)
      ? {
          name: "output error",
          value: figureText(worst, 3),
          note: `relative L2, ${outputs.samples} ${outputs.random ? "random feeds" : "samples"}`,
        }
      : undefined,
  ];
}

function costOf({ bytes, gzipBytes, latency }: Verification): (KeyFigure | undefined)[] {
  const size = (name: string, { original, pruned }: Verification["bytes"]): KeyFigure => ({
    name,
    value: bytesText(pruned),
    note: `${changeText(original, pruned)} of ${bytesText(original)}`,
  });
  const claims = { faster: "faster", slower: "slower", undecided: "no difference shown" };
  return [
    size("file size", bytes),
    gzipBytes && size("after gzip", gzipBytes),
    latency && { name: "speed", value: `${latency.speedup.ratio.toFixed(2)}×`, note: claims[latency.speedup.verdict] },
  ];
}
