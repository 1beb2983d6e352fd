import type { Interval } from "@espalier/verify";
import { type Drawing, HALO } from "./drawing.js";
import type { Markup } from "./markup.js";

/** A measured value and where it would lie on other samples. */
interface IntervalRow {
  readonly label: string;
  readonly value: number;
  readonly interval: Interval;
}

/** Values with their intervals along one axis, below each other. */
export interface IntervalPlot {
  readonly rows: readonly IntervalRow[];
  /** Of the axis, with its unit. */
  readonly unit: string;
  /** Lines to read the values against: no change, the limit. */
  readonly marks: readonly { readonly value: number; readonly label: string }[];
  readonly format: (value: number) => string;
}

const ROW_HEIGHT = 44;
const NOTE_HEIGHT = 12;

/** Dots with bars; the numbers stand beside the names, the reference lines are named at the top. */
export function intervalPlot(
  { Plot, svg }: Drawing,
  { rows, unit, marks, format }: IntervalPlot,
  width: number,
): Markup {
  const named = rows.map((row) => ({
    ...row,
    ...row.interval,
    text: `${row.label}  ${format(row.value)}  (${format(row.interval.low)} to ${format(row.interval.high)})`,
  }));
  const [low, high] = extentOf(rows, marks);
  const top = 10 + NOTE_HEIGHT * marks.length;
  // Each name has a line of its own: marks may be close to each other.
  const notes = marks.map(({ value, label }, line) => {
    const place = (value - low) / (high - low);
    const textAnchor = place < 0.2 ? "start" : place > 0.8 ? "end" : "middle";
    const dy = NOTE_HEIGHT * line - top + 8;
    return Plot.text([label], {
      x: [value],
      text: [label],
      frameAnchor: "top",
      dy,
      textAnchor,
      className: "plot-note",
    });
  });
  const bar = { x1: "low", x2: "high", y: "label" };
  return svg(`${unit}: ${named.map(({ text }) => text).join("; ")}`, {
    width,
    height: top + 40 + ROW_HEIGHT * rows.length,
    marginLeft: 12,
    marginRight: 12,
    marginTop: top,
    marginBottom: 40,
    x: {
      label: unit,
      labelArrow: "none",
      labelAnchor: "left",
      domain: [low, high],
      ticks: Math.floor(width / 90),
      tickFormat: (value: number) => format(value),
    },
    y: { axis: null, domain: rows.map(({ label }) => label) },
    marks: [
      Plot.ruleX(marks, { x: "value", stroke: "var(--soft)", strokeDasharray: "3 3" }),
      notes,
      Plot.link(named, {
        ...bar,
        y1: "label",
        y2: "label",
        stroke: "var(--s1)",
        strokeWidth: 3,
        strokeLinecap: "round",
      }),
      Plot.dot(named, { x: "value", y: "label", r: 5.5, fill: "var(--s1)", stroke: "var(--paper)" }),
      Plot.text(named, { y: "label", text: "text", frameAnchor: "left", textAnchor: "start", dy: -15, ...HALO }),
    ],
  });
}

/** All that is drawn, and a little air on both sides. */
function extentOf(rows: readonly IntervalRow[], marks: IntervalPlot["marks"]): [number, number] {
  const values = [
    ...rows.flatMap(({ value, interval }) => [value, interval.low, interval.high]),
    ...marks.map(({ value }) => value),
  ];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const air = (most - least || Math.abs(most) || 1) / 16;
  return [least - air, most + air];
}
