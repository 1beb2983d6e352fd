import type { FinishedRow } from "../sweep/sweep-result.js";
import type { Drawing } from "./drawing.js";
import type { Markup } from "./markup.js";
import { figureText } from "./number-text.js";
import type { Series } from "./series.js";
import { cellName, type SeveralOf, type SweptCells } from "./swept-cells.js";

/** What a cell costs on a device: where it stands along the horizontal axis. */
export interface Cost {
  /** Of the axis, with its unit. */
  readonly label: string;
  of(row: FinishedRow): number;
  /** Of the model as it came. */
  readonly original: number;
}

/** Harm against cost: hollow points are beaten by others, full ones with a number are the front. */
export function tradeOffPlot(
  { Plot, svg }: Drawing,
  { rows, front, harm }: SweptCells,
  { cost, series, several }: { readonly cost: Cost; readonly series: readonly Series[]; readonly several: SeveralOf },
  width: number,
): Markup {
  const looks = new Map(series.map((one) => [one.name, one]));
  const points = rows
    .filter((row) => Number.isFinite(harm.of(row)))
    .map((row) => ({
      row,
      x: cost.of(row),
      y: harm.of(row),
      number: front.indexOf(row) + 1,
      ...looks.get(row.pattern)!,
    }));
  const best = points.filter(({ number }) => number > 0);
  const dots = (data: typeof points, filled: boolean) =>
    series.map(({ name, color, symbol }) =>
      Plot.dot(
        data.filter((point) => point.name === name),
        {
          x: "x",
          y: "y",
          symbol,
          r: filled ? 5 : 3.6,
          stroke: color,
          fill: filled ? color : "none",
          strokeWidth: 1.5,
          strokeOpacity: filled ? 1 : 0.75,
        },
      ),
    );
  const original = [{ x: cost.original, y: 0 }];
  return svg(`${harm.label} against ${cost.label}; the front: ${best.map(spoken).join("; ")}`, {
    width,
    height: Math.round(Math.min(width, 380) * 0.86),
    marginLeft: 46,
    marginRight: 20,
    marginTop: 26,
    marginBottom: 40,
    x: {
      label: cost.label,
      labelArrow: "right",
      nice: true,
      ticks: Math.floor(width / 80),
      grid: true,
      insetLeft: 8,
      insetRight: 8,
    },
    y: { label: harm.label, labelArrow: "up", nice: true, ticks: 6, grid: true, insetBottom: 6 },
    marks: [
      Plot.ruleY([0], { stroke: "var(--soft)" }),
      dots(
        points.filter(({ number }) => number === 0),
        false,
      ),
      dots(best, true),
      Plot.dot(original, { x: "x", y: "y", symbol: "times", r: 5, stroke: "currentColor", strokeWidth: 2 }),
      Plot.text(original, { x: "x", y: "y", text: () => "original", dy: -12, textAnchor: "end", dx: 4, ...HALO }),
      Plot.text(best, { x: "x", y: "y", text: "number", dx: 9, dy: -9, fontWeight: 700, ...HALO }),
    ],
  });

  function spoken({ row, x, y, number }: (typeof points)[number]): string {
    return `${number}, ${cellName(row, several)}: ${figureText(y, 3)} at ${figureText(x, 3)}`;
  }
}

/** Numbers stay readable on top of points. */
const HALO = { stroke: "var(--paper)", strokeWidth: 4, fill: "currentColor" } as const;
