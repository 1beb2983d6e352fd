import type { AccuracyFigures, Check, OutputDistance, OutputFigures } from "@espalier/verify";
import { type DataColumn, dataTable } from "./data-table.js";
import type { Drawing } from "./drawing.js";
import { figure } from "./figure.js";
import { intervalPlot } from "./interval-plot.js";
import { html, type Markup } from "./markup.js";
import { figureText, shareText } from "./number-text.js";
import type { Section } from "./page.js";
import { figuresOf } from "./verify-summary.js";

/** How far outputs moved, and what that did to answers; undefined where the models could not be compared. */
export function outputsSection(drawing: Drawing, checks: readonly Check[]): Section | undefined {
  const outputs = figuresOf(checks, "outputs");
  const accuracy = figuresOf(checks, "accuracy");
  if (outputs === undefined && accuracy === undefined) return undefined;
  const limit = checks.find(({ name }) => name === "accuracy")?.limit ?? null;
  return {
    id: "outputs",
    title: "Answers",
    body: [accuracy && accuracyFigure(drawing, accuracy, limit), outputs && distances(outputs)],
  };
}

function accuracyFigure(drawing: Drawing, figures: AccuracyFigures, limit: number | null): Markup {
  const { metric, original, pruned, drop, interval, level, examples, worse, better } = figures;
  const marks = [{ value: 0, label: "no change" }, ...(limit === null ? [] : [{ value: limit, label: "limit" }])];
  const rows = [{ label: "drop", value: drop, interval }];
  return html`<div class="pair">${figure({
    title: `Drop of ${metric}`,
    caption: `From ${figureText(original)} to ${figureText(pruned)} on ${examples} examples: ${worse} got worse, ${better} better. The bar is the paired bootstrap interval that holds ${shareText(level)} of resamples; right of zero is worse.`,
    draw: (width) => intervalPlot(drawing, { rows, unit: `drop of ${metric}`, marks, format: figureText }, width),
  })}</div>`;
}

function distances({ outputs, samples, random }: OutputFigures): Markup {
  const on = random ? `${samples} made-up feeds, which say nothing about quality` : `${samples} samples`;
  return dataTable(`Distance of each output from the original's, over ${on}.`, outputs, columnsFor(outputs));
}

/** Columns that no output has a figure for are left out. */
function columnsFor(outputs: readonly OutputDistance[]): DataColumn<OutputDistance>[] {
  const number = (heading: string, cell: DataColumn<OutputDistance>["cell"]) => ({ heading, cell, numeric: true });
  const optional = (present: boolean, column: DataColumn<OutputDistance>) => (present ? [column] : []);
  return [
    { heading: "output", cell: ({ name }) => html`<bdi>${name}</bdi>` },
    number("relative L2", ({ relativeL2 }) => figureText(relativeL2)),
    number("largest difference", ({ maxAbs }) => figureText(maxAbs)),
    number("mean cosine", ({ meanCosine }) => figureText(meanCosine)),
    ...optional(
      outputs.some(({ topAgreement }) => topAgreement !== undefined),
      number("same highest entry", ({ topAgreement }) => (topAgreement === undefined ? "–" : shareText(topAgreement))),
    ),
    ...optional(
      outputs.some(({ meanDivergence }) => meanDivergence !== undefined),
      number("mean divergence, nats", ({ meanDivergence }) => figureText(meanDivergence ?? null)),
    ),
    number("worst sample", ({ worstSample }) => worstSample),
    number("its relative L2", ({ worstRelativeL2 }) => figureText(worstRelativeL2)),
  ];
}
