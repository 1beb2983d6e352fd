import type { FinishedRow } from "../sweep/sweep-result.js";
import { type Drawing, HALO } from "./drawing.js";
import type { Markup } from "./markup.js";
import { figureText } from "./number-text.js";
import { type Place, placeLabels } from "./place-labels.js";
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

/** What the plots of one model have in common. */
export interface TradeOffLook {
  readonly series: readonly Series[];
  readonly several: SeveralOf;
  /** The cell that gets a ring. */
  readonly chosen: FinishedRow | undefined;
}

/** A cell in the units of the axes; `number` is its place on the front from 1, 0 where it is beaten. */
interface Point {
  readonly row: FinishedRow;
  readonly x: number;
  readonly y: number;
  readonly number: number;
}

const MARGINS = { left: 44, right: 12, top: 26, bottom: 36 };

/** Farther from its point a number gets a line to it. */
const LEADER = 18;

/** Harm against cost: hollow points are beaten by others, full ones with a number are the front. */
export function tradeOffPlot(
  { Plot, svg }: Drawing,
  { rows, front, harm }: SweptCells,
  cost: Cost,
  { series, several, chosen }: TradeOffLook,
  width: number,
): Markup {
  const points = rows
    .map((row): Point => ({ row, x: cost.of(row), y: harm.of(row), number: front.indexOf(row) + 1 }))
    .filter(({ y }) => Number.isFinite(y));
  const best = points.filter(({ number }) => number > 0);
  const original = { x: cost.original, y: 0 };
  const height = Math.round(Math.min(width, 440) * 0.86);
  const axes = axesOf([...points, original], width, height);
  const labels = labelsOf(best, [...points, original], axes);
  const dots = (data: readonly Point[], style: object) =>
    series.map(({ name, color, symbol }) => {
      const own = data.filter(({ row }) => row.pattern === name);
      return Plot.dot(own, {
        x: "x",
        y: "y",
        symbol,
        stroke: color,
        strokeWidth: 1.5,
        ...style,
        fill: "fill" in style ? color : "none",
      });
    });
  return svg(spoken(best, harm.label, cost.label, several), {
    width,
    height,
    marginLeft: MARGINS.left,
    marginRight: MARGINS.right,
    marginTop: MARGINS.top,
    marginBottom: MARGINS.bottom,
    x: { label: cost.label, labelArrow: "right", domain: axes.x.domain, ticks: Math.floor(width / 80), grid: true },
    y: { label: harm.label, labelArrow: "up", domain: axes.y.domain, ticks: 6, grid: true },
    marks: [
      Plot.ruleY([0], { stroke: "var(--soft)" }),
      dots(
        points.filter(({ number }) => number === 0),
        { r: 3.4, strokeOpacity: 0.8 },
      ),
      Plot.link(
        labels.filter(({ distance }) => distance > LEADER),
        { x1: "fromX", y1: "fromY", x2: "x", y2: "y", stroke: "var(--soft)", strokeWidth: 0.8 },
      ),
      dots(best, { r: 4.6, fill: true }),
      Plot.dot(
        points.filter(({ row }) => row === chosen),
        { x: "x", y: "y", r: 10, stroke: "currentColor", strokeWidth: 1.8 },
      ),
      Plot.dot([original], { x: "x", y: "y", symbol: "times", r: 5, stroke: "currentColor", strokeWidth: 2 }),
      Plot.text(labels, { x: "x", y: "y", text: "text", fontWeight: 700, ...HALO }),
      Plot.text([original], { x: "x", y: "y", text: () => "original", dy: 13, textAnchor: "end", dx: 8, ...HALO }),
    ],
  });
}

/** A linear axis: what it spans, and where that is drawn. */
interface Axis {
  readonly domain: [number, number];
  pixel(value: number): number;
  value(pixel: number): number;
}

/** Axes with room for everything, and a little below zero, where the original is named. */
function axesOf(points: readonly Place[], width: number, height: number): { readonly x: Axis; readonly y: Axis } {
  const x = axisOf(
    points.map((point) => point.x),
    MARGINS.left,
    width - MARGINS.right,
  );
  const y = axisOf([0, ...points.map((point) => point.y)], height - MARGINS.bottom, MARGINS.top);
  return { x, y };
}

function axisOf(values: readonly number[], from: number, to: number): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const air = (most - least || Math.abs(most) || 1) * 0.07;
  const domain: [number, number] = [least - air, most + air];
  const scale = (to - from) / (domain[1] - domain[0]);
  return {
    domain,
    pixel: (value) => from + (value - domain[0]) * scale,
    value: (pixel) => domain[0] + (pixel - from) / scale,
  };
}

/** Where the numbers stand, in the units of the axes. */
function labelsOf(best: readonly Point[], all: readonly Place[], { x, y }: { readonly x: Axis; readonly y: Axis }) {
  const pixels = (point: Place): Place => ({ x: x.pixel(point.x), y: y.pixel(point.y) });
  const frame = {
    left: x.pixel(x.domain[0]),
    right: x.pixel(x.domain[1]),
    top: y.pixel(y.domain[1]),
    bottom: y.pixel(y.domain[0]),
  };
  return placeLabels(best.map(pixels), all.map(pixels), frame).map((place, index) => {
    const point = best[index]!;
    const from = pixels(point);
    return {
      x: x.value(place.x),
      y: y.value(place.y),
      fromX: point.x,
      fromY: point.y,
      text: String(point.number),
      distance: Math.hypot(place.x - from.x, place.y - from.y),
    };
  });
}

function spoken(best: readonly Point[], harm: string, cost: string, several: SeveralOf): string {
  const points = best.map(({ row, x, y, number }) => {
    return `${number}, ${cellName(row, several)}: ${figureText(y, 3)} at ${figureText(x, 3)}`;
  });
  return `${harm} against ${cost}; the front: ${points.join("; ")}`;
}
