import type { FinishedRow } from "../sweep/sweep-result.js";
import { type Drawing, HALO } from "./drawing.js";
import type { Markup } from "./markup.js";
import { figureText } from "./number-text.js";
import type { Series } from "./series.js";
import { percent } from "./swept-cells.js";

/** A cell's quality with what sampling may have done to it. */
export interface ScoredPoint {
  readonly row: FinishedRow;
  readonly value: number;
  /** Absent where there is no interval. */
  readonly low?: number;
  readonly high?: number;
}

/** Quality against sparsity, for one criterion. */
export interface ScorePlot {
  readonly points: readonly ScoredPoint[];
  readonly series: readonly Series[];
  readonly label: string;
  /** Both ends of the axis, the same in neighbouring plots. */
  readonly domain: readonly [number, number];
  /** Of the original: a line. */
  readonly reference: number;
  readonly sparsities: readonly [number, number];
}

const WIDTH = 328;

/** Pixels between points of different patterns at the same sparsity. */
const DODGE = 5;

/** A line for every pattern with several sparsities, a point for every cell, bars for intervals. */
export function scorePlot({ Plot, svg }: Drawing, plot: ScorePlot): Markup {
  const { points, series, label, domain, reference, sparsities } = plot;
  const marks = series.map(({ name, symbol, color }, index) => {
    const own = points
      .filter(({ row }) => row.pattern === name)
      .map((point) => ({ ...point, x: 100 * point.row.sparsity }));
    const place = { x: "x", dx: (index - (series.length - 1) / 2) * DODGE, stroke: color };
    return [
      Plot.line(own, { ...place, y: "value", strokeWidth: 1.4, sort: "x" }),
      Plot.dot(own, { ...place, y: "value", symbol, r: 3.6, fill: "var(--paper)", strokeWidth: 1.5 }),
      Plot.ruleX(
        own.filter(({ low }) => low !== undefined),
        { ...place, y1: "low", y2: "high", strokeWidth: 1.4 },
      ),
    ];
  });
  return svg(`${label} against zeros: ${points.map(spoken).join("; ")}`, {
    width: WIDTH,
    height: 250,
    marginLeft: 44,
    marginRight: 14,
    marginTop: 26,
    marginBottom: 38,
    x: {
      label: "% zeros in pruned weights",
      labelArrow: "right",
      domain: [100 * sparsities[0], 100 * sparsities[1]],
      inset: 16,
      ticks: 5,
    },
    y: { label, labelArrow: "none", domain: [...domain], grid: true, ticks: 6 },
    marks: [
      Plot.ruleY([reference], { stroke: "currentColor", strokeDasharray: "4 3" }),
      marks,
      Plot.text([reference], {
        y: [reference],
        text: () => "original",
        frameAnchor: "right",
        textAnchor: "end",
        dy: reference === domain[0] ? 8 : -7,
        ...HALO,
      }),
    ],
  });
}

function spoken({ row, value, low, high }: ScoredPoint): string {
  const range = low === undefined || high === undefined ? "" : ` (${figureText(low, 3)} to ${figureText(high, 3)})`;
  return `${row.pattern} ${percent(row.sparsity)}: ${figureText(value, 3)}${range}`;
}
