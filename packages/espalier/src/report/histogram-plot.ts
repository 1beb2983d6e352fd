import type { Drawing } from "./drawing.js";
import type { Markup } from "./markup.js";
import { figureText } from "./number-text.js";
import type { WeightHistogram } from "./weight-histogram.js";

/** The values of a weight before pruning as a line, after it as an area. Small enough to be one of many. */
export function histogramPlot({ Plot, svg }: Drawing, { reach, before, after }: WeightHistogram): Markup {
  const width = (2 * reach) / before.length;
  const points = Array.from(before, (count, bin) => {
    return { value: (bin + 0.5) * width - reach, before: count, after: after[bin]! };
  });
  return svg(label(reach, before, after), {
    width: 290,
    height: 92,
    marginLeft: 4,
    marginRight: 4,
    marginTop: 4,
    marginBottom: 18,
    x: {
      label: null,
      domain: [-reach, reach],
      ticks: [-reach / 2, 0, reach / 2],
      tickFormat: (value: number) => figureText(Number(value.toPrecision(2))),
      tickSize: 3,
    },
    y: { axis: null },
    marks: [
      Plot.areaY(points, { x: "value", y: "after", curve: "step", fill: "var(--s1)", fillOpacity: 0.75 }),
      Plot.lineY(points, { x: "value", y: "before", curve: "step", stroke: "currentColor", strokeWidth: 1 }),
      Plot.ruleY([0], { stroke: "var(--soft)" }),
    ],
  });
}

function label(reach: number, before: Uint32Array, after: Uint32Array): string {
  const count = (bins: Uint32Array): number => bins.reduce((sum, bin) => sum + bin, 0);
  const middle = (bins: Uint32Array): number => bins[(bins.length - 1) / 2]!;
  return (
    `Values between ${figureText(-reach)} and ${figureText(reach)}: ${count(before)} not zero before, ${count(after)} after; ` +
    `nearest to zero ${middle(before)} before, ${middle(after)} after`
  );
}
