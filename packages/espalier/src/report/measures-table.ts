import type { ByModel, Verification } from "@espalier/verify";
import { bytesText } from "../bytes-text.js";
import { dataTable } from "./data-table.js";
import { type Content, html } from "./markup.js";
import { timeText } from "./number-text.js";
import { withRange } from "./with-range.js";

/** A median with its spread. */
type Spread = NonNullable<Verification["latency"]>["original"];

/** What was measured of both models. */
interface Measure extends ByModel<Content> {
  readonly name: string;
}

/** Times and memory of both models side by side; undefined where nothing was measured. */
export function measuresTable(verification: Verification): Content {
  const { latency, otherLatencies = [], loading } = verification;
  const measures = [
    ...(latency ? [measure(`one sample, ${latency.runs} runs in turns`, latency, timeText)] : []),
    ...otherLatencies.map((other) => measure(`the same in ${other.backend}, ${other.runs} runs`, other, timeText)),
    ...loadingMeasures(loading),
  ];
  return [
    measures.length > 0 &&
      dataTable("Medians, with the least and the most, on whatever else the machine was doing.", measures, [
        { heading: "measured", cell: ({ name }) => name },
        { heading: "original", cell: ({ original }) => original, numeric: true },
        { heading: "pruned", cell: ({ pruned }) => pruned, numeric: true },
      ]),
    loading &&
      "problem" in loading &&
      html`<p class="note">Loading could not be measured: <bdi>${loading.problem}</bdi></p>`,
  ];
}

function loadingMeasures(loading: Verification["loading"]): Measure[] {
  if (loading === undefined || "problem" in loading) return [];
  const { original, pruned } = loading;
  const how = original.processes === 1 ? "in a fresh process" : `in ${original.processes} fresh processes`;
  const time = { original: original.milliseconds, pruned: pruned.milliseconds };
  const [before, after] = [original.peakBytes, pruned.peakBytes];
  return [
    measure(`loading ${how}`, time, timeText),
    ...(before && after
      ? [measure("peak memory of that, above the runtime's own", { original: before, pruned: after }, bytesText)]
      : []),
  ];
}

function measure(name: string, { original, pruned }: ByModel<Spread>, text: (value: number) => string): Measure {
  const spread = ({ median, min, max }: Spread): Content =>
    min === max ? text(median) : withRange(text(median), text(min), text(max));
  return { name, original: spread(original), pruned: spread(pruned) };
}
