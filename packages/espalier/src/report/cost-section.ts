import type { Latency, Verification } from "@espalier/verify";
import { bytesText } from "../bytes-text.js";
import { type Bar, barPlot } from "./bar-plot.js";
import type { Drawing } from "./drawing.js";
import { figure } from "./figure.js";
import { intervalPlot } from "./interval-plot.js";
import { html, type Markup } from "./markup.js";
import { measuresTable } from "./measures-table.js";
import { changeText, figureText } from "./number-text.js";
import type { Section } from "./page.js";

/** Bytes, and time with what its interval allows to claim. */
export function costSection(drawing: Drawing, verification: Verification, speedLimit: number | null): Section {
  const { latency } = verification;
  return {
    id: "cost",
    title: "Bytes and time",
    body: html`<div class="pair">${sizeFigure(drawing, verification)}${latency && speedFigure(drawing, latency, verification.otherLatencies, speedLimit)}</div>
${measuresTable(verification)}`,
  };
}

function sizeFigure(drawing: Drawing, { bytes, gzipBytes }: Verification): Markup {
  const pair = (form: string, { original, pruned }: Verification["bytes"]): Bar[] => [
    { name: `original, ${form}`, value: original, text: bytesText(original), reference: true },
    { name: `pruned, ${form}`, value: pruned, text: `${bytesText(pruned)} (${changeText(original, pruned)})` },
  ];
  const bars = [...pair("as it is", bytes), ...(gzipBytes ? pair("after gzip", gzipBytes) : [])];
  return figure({
    title: "Size of the files",
    caption:
      "External data included; gzip at level 6. Zeros alone do not make a dense file smaller, only its compressed form.",
    draw: (width) => barPlot(drawing, { label: "bytes", bars }, width),
  });
}

const CLAIMS: Readonly<Record<Latency["speedup"]["verdict"], string>> = {
  faster: "The interval lies above 1: the pruned model is faster.",
  slower: "The interval lies below 1: the pruned model is slower.",
  undecided: "The interval holds 1, or there were too few turns: no difference is shown, and none should be claimed.",
};

function speedFigure(
  drawing: Drawing,
  { speedup, runs }: Latency,
  others: Verification["otherLatencies"] = [],
  limit: number | null,
): Markup {
  const marks = [{ value: 1, label: "as fast" }, ...(limit === null ? [] : [{ value: limit, label: "least" }])];
  const rows = [
    { label: "speed", speedup },
    ...others.map(({ backend, speedup }) => ({ label: `in ${backend}`, speedup })),
  ].map(({ label, speedup: { ratio, interval } }) => ({ label, value: ratio, interval }));
  return figure({
    title: "Speed against the original",
    caption: `${CLAIMS[speedup.verdict]} Median times of ${runs} turns, one thread, with a 95 % bootstrap interval; right of 1 is faster.`,
    draw: (width) => intervalPlot(drawing, { rows, unit: "times as fast", marks, format: figureText }, width),
  });
}
