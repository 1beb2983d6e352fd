import type { Drawing } from "./drawing.js";
import type { Markup } from "./markup.js";
import { visible } from "./markup.js";

/** A named length. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** The value in words. */
  readonly text: string;
  /** A second value, as a tick: where it was before, what gzip leaves. */
  readonly tick?: number;
  /** Drawn hollow: what the others are compared with. */
  readonly reference?: boolean;
}

/** Bars from zero on a track, each with its name and its value above it, so that no axis has to be read. */
export interface BarPlot {
  /** What is measured, for those who hear it. */
  readonly label: string;
  readonly bars: readonly Bar[];
  /** The right end of the tracks. @default the largest value */
  readonly end?: number;
}

const BAR_HEIGHT = 34;

/** Where the bar stands in its row, below the line of text. */
const INSETS = { insetTop: 18, insetBottom: 7 };

/** About as wide as a letter. */
const LETTER = 6.4;

/** Draws the bars in the order given. */
export function barPlot({ Plot, svg }: Drawing, { label, bars, end }: BarPlot, width: number): Markup {
  const rows = bars.map((bar, row) => {
    const letters = Math.floor(width / LETTER) - bar.text.length - 2;
    return { ...bar, row, name: shortened(bar.name, letters) };
  });
  const ticked = rows.filter(({ tick = 0 }) => tick > 0);
  const tick = { x: "tick", y: "row", insetTop: 17, insetBottom: 6 };
  const right = end ?? Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  return svg(`${label}: ${rows.map(({ name, text }) => `${name} ${text}`).join("; ")}`, {
    width,
    height: BAR_HEIGHT * rows.length,
    margin: 1,
    x: { axis: null, domain: [0, right] },
    y: { axis: null, domain: rows.map(({ row }) => row), padding: 0 },
    marks: [
      Plot.barX(rows, { x: right, y: "row", ...INSETS, fill: "var(--track)" }),
      Plot.barX(rows, {
        x: "value",
        y: "row",
        ...INSETS,
        fill: ({ reference }) => (reference ? "none" : "var(--s1)"),
        stroke: ({ reference }) => (reference ? "var(--soft)" : "var(--s1)"),
      }),
      Plot.tickX(ticked, { ...tick, stroke: "var(--paper)", strokeWidth: 5 }),
      Plot.tickX(ticked, { ...tick, stroke: "currentColor", strokeWidth: 2 }),
      Plot.text(rows, { y: "row", text: "name", frameAnchor: "left", textAnchor: "start", dy: -6 }),
      Plot.text(rows, { y: "row", text: "text", frameAnchor: "right", textAnchor: "end", dy: -6, fontWeight: 600 }),
    ],
  });
}

/** A name cut in its middle, where layers of a model differ least. */
function shortened(name: string, letters: number): string {
  const text = visible(name);
  if (text.length <= letters) return text;
  const half = Math.floor((letters - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`;
}
