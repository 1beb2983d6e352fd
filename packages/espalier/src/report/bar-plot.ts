import type { Drawing } from "./drawing.js";
import type { Markup } from "./markup.js";
import { visible } from "./markup.js";

/** A named length. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** The value in words, beside the bar. */
  readonly text: string;
  /** A second value, as a tick: where it was before, what gzip leaves. */
  readonly tick?: number;
  /** Drawn hollow: what the others are compared with. */
  readonly reference?: boolean;
}

/** Bars from zero, each with its name above and its value at its end, so that no axis has to be read. */
export interface BarPlot {
  /** What is measured, for those who hear it. */
  readonly label: string;
  readonly bars: readonly Bar[];
  /** The right end of the axis, shown as a track. @default the largest value */
  readonly end?: number;
}

const BAR_HEIGHT = 38;

/** Where the bar stands in its row, below the name. */
const INSETS = { insetTop: 18, insetBottom: 10 };

/** About as wide as a letter of the names. */
const LETTER = 6.4;

/** Draws the bars in the order given. */
export function barPlot({ Plot, svg }: Drawing, { label, bars, end }: BarPlot, width: number): Markup {
  const rows = bars.map((bar, row) => ({ ...bar, row, name: shortened(bar.name, Math.floor(width / LETTER)) }));
  const ticked = rows.filter(({ tick = 0 }) => tick > 0);
  return svg(`${label}: ${rows.map(({ name, text }) => `${name} ${text}`).join("; ")}`, {
    width,
    height: 8 + BAR_HEIGHT * rows.length,
    marginLeft: 1,
    marginRight: 84,
    marginTop: 8,
    marginBottom: 0,
    x: { axis: null, domain: [0, end ?? Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)] },
    y: { axis: null, domain: rows.map(({ row }) => row), padding: 0 },
    marks: [
      ...(end === undefined ? [] : [Plot.barX(rows, { x: end, y: "row", ...INSETS, fill: "var(--track)" })]),
      Plot.barX(rows, {
        x: "value",
        y: "row",
        ...INSETS,
        fill: ({ reference }) => (reference ? "transparent" : "var(--s1)"),
        stroke: ({ reference }) => (reference ? "var(--soft)" : "var(--s1)"),
      }),
      Plot.tickX(ticked, { x: "tick", y: "row", insetTop: 14, insetBottom: 8, stroke: "currentColor" }),
      Plot.text(rows, { x: 0, y: "row", text: "name", textAnchor: "start", dy: -9 }),
      Plot.text(rows, {
        x: "value",
        y: "row",
        text: "text",
        textAnchor: "start",
        dx: 7,
        dy: 5,
        className: "plot-value",
      }),
    ],
  });
}

/** A name cut in its middle, where layers of a model differ least. */
export function shortened(name: string, letters: number): string {
  const text = visible(name);
  if (text.length <= letters) return text;
  const half = Math.floor((letters - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}
